"""Bodies and parameters of questions about tracked events."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from analytics.behaviour.models import (
    Cohort,
    Funnel,
    FunnelGroup,
    FunnelQuery,
    FunnelStep,
    Matching,
    Period,
    Range,
    Retention,
    RetentionQuery,
    Returning,
)
from analytics.event_schemas.models import EventName
from analytics.tracking.properties import LONGEST_KEY, LONGEST_SOUGHT, Scalar, bounded, pair
from llmo_core.fields import Moment, TimeZone
from llmo_core.model import Model

DEFAULT_DAYS: Final = 30
MOST_PERIODS: Final = 31
_A_WEEK: Final = 7 * 86_400
_A_YEAR: Final = 366 * 86_400


def _sought(where: dict[str, Scalar]) -> dict[str, Scalar]:
    bounded(dict(where))
    if any(isinstance(value, str) and len(value) > LONGEST_SOUGHT for value in where.values()):
        raise ValueError(f"texts of more than {LONGEST_SOUGHT} characters are not looked for")
    return where


type Key = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_KEY)]
type Where = Annotated[dict[str, Scalar], Field(max_length=10), AfterValidator(_sought)]
type Steps = Annotated[list["Wanted"], Field(min_length=2, max_length=10)]


class Wanted(Model):
    """Events of a name whose properties have these values; of top-level texts, numbers, booleans and null."""

    name: EventName
    where: Where = Field(default_factory=dict, examples=[{"plan": "pro"}])

    def matching(self) -> Matching:
        """What is looked for."""
        return Matching(name=self.name, pairs=frozenset(pair(key, value) for key, value in self.where.items()))


class Asked(Model):
    """When: `from` is 30 days before `to` when left out, `to` is now; 366 days at most."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None

    def range(self, now: datetime) -> Range:
        """The range, in UTC."""
        return range_of(self.from_, self.to, now=now)


def range_of(start: datetime | None, end: datetime | None, *, now: datetime) -> Range:
    """From 30 days before its end, which is now, unless said otherwise."""
    end = (end or now).astimezone(UTC)
    return Range(start=(start or end - timedelta(days=DEFAULT_DAYS)).astimezone(UTC), end=end)


class AskFunnel(Asked):
    """Steps in their order: each has to come later than the one before, within `window_seconds` of the first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"steps": [{"name": "signup.started"}, {"name": "signup.completed", "where": {"plan": "pro"}}]}
            ]
        }
    )

    steps: Steps
    window_seconds: Annotated[int, Field(ge=1, le=_A_YEAR, strict=True)] = _A_WEEK
    breakdown: Annotated[Key | None, Field(description="A property of the first step.", examples=["country"])] = None

    def query(self, org_id: UUID, *, now: datetime) -> FunnelQuery:
        """The question, for one organization."""
        return FunnelQuery(
            org_id=org_id,
            range=self.range(now),
            steps=tuple(step.matching() for step in self.steps),
            window=timedelta(seconds=self.window_seconds),
            breakdown=self.breakdown,
        )


class AskRetention(Asked):
    """Who did `first`, and came back to do `returning`, in periods of a calendar."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"first": {"name": "signup.completed"}, "returning": {"name": "page.viewed"}}]}
    )

    first: Wanted
    returning: Wanted
    period: Period = Period.DAY
    periods: Annotated[int, Field(ge=1, le=MOST_PERIODS, strict=True)] = 7
    time_zone: TimeZone = "UTC"
    mode: Annotated[
        Returning, Field(description="`on`: came back in that period; `unbounded`: in that or a later one.")
    ] = Returning.ON

    def query(self, org_id: UUID, *, now: datetime) -> RetentionQuery:
        """The question, for one organization."""
        return RetentionQuery(
            org_id=org_id,
            range=self.range(now),
            first=self.first.matching(),
            returning=self.returning.matching(),
            period=self.period,
            zone=self.time_zone,
            periods=self.periods,
            mode=self.mode,
        )


class FunnelStepOut(Model):
    """How many people got to a step. Shares are of those who began, and of those of the step before."""

    name: str
    users: int
    share: float | None
    share_of_previous: float | None
    median_seconds: float | None = Field(description="From the step before.")


class FunnelGroupOut(Model):
    """Those whose first step had this value; with `other`, all values but the 25 most frequent ones."""

    value: Scalar
    other: bool
    steps: list[FunnelStepOut]

    @classmethod
    def of(cls, group: FunnelGroup) -> Self:
        """Show a group."""
        return cls(value=group.value, other=group.other, steps=_steps(group.steps))


class FunnelOut(Model):
    """How far people get."""

    steps: list[FunnelStepOut]
    groups: list[FunnelGroupOut]

    @classmethod
    def of(cls, funnel: Funnel) -> Self:
        """Show a funnel."""
        return cls(steps=_steps(funnel.steps), groups=[FunnelGroupOut.of(group) for group in funnel.groups])


class PeriodOut(Model):
    """How many came back in the nth period after their first, of those who could be seen in it."""

    period: int
    users: int
    eligible: int
    share: float | None


class RetentionOut(Model):
    """How many people came, and came back. They come back in period 0 when that is later than the first time."""

    users: int
    periods: list[PeriodOut]

    @classmethod
    def of(cls, retention: Retention) -> Self:
        """Show everybody."""
        return cls(users=retention.total.users, periods=_periods(retention.total))


class CohortOut(Model):
    """Those who came first in the period that begins with this day."""

    start: date
    users: int
    periods: list[PeriodOut]


class CohortsOut(Model):
    """How many people came, and came back, by when they came first."""

    data: list[CohortOut]

    @classmethod
    def of(cls, retention: Retention) -> Self:
        """Show every cohort."""
        return cls(
            data=[
                CohortOut(start=cohort.start, users=cohort.users, periods=_periods(cohort))
                for cohort in retention.cohorts
                if cohort.start is not None
            ]
        )


def _steps(steps: tuple[FunnelStep, ...]) -> list[FunnelStepOut]:
    shown = []
    for number, step in enumerate(steps):
        before = steps[number - 1].users if number else step.users
        shown.append(
            FunnelStepOut(
                name=step.name,
                users=step.users,
                share=_share(step.users, steps[0].users),
                share_of_previous=_share(step.users, before),
                median_seconds=step.median_seconds,
            )
        )
    return shown


def _periods(cohort: Cohort) -> list[PeriodOut]:
    return [
        PeriodOut(period=number, users=returned, eligible=eligible, share=_share(returned, eligible))
        for number, (returned, eligible) in enumerate(zip(cohort.returned, cohort.eligible, strict=True))
    ]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
