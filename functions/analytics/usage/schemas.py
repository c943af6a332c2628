"""Query parameters and bodies of the analytics API."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from analytics.models import Gap
from analytics.percentiles import Percentiles
from analytics.usage.models import Dimension, Usage, UsageQuery, UsageReport, of_our_time
from analytics.usage.service import default_start
from llmo_core.model import Model
from llmo_core.money import Usd

_NO_GROUPS = "none"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _names(given: object) -> object:
    """Split comma-separated names, given once or several times; `none` is no dimension; a name twice counts once."""
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return given
    names = [name.strip() for part in parts for name in part.split(",")]
    return () if names == [_NO_GROUPS] else tuple(dict.fromkeys(names))


def _start_of_day(given: object) -> object:
    return f"{given}T00:00:00Z" if isinstance(given, str) and _DAY.fullmatch(given) else given


# No `type` statement: FastAPI looks through it at no sequence, and would take the last of several values.
Dimensions = Annotated[tuple[Dimension, ...], BeforeValidator(_names)]
type Moment = Annotated[AwareDatetime, BeforeValidator(_start_of_day), AfterValidator(of_our_time)]


class UsageParameters(Model):
    """What to sum up."""

    model_config = ConfigDict(populate_by_name=True)

    group_by: Dimensions = Field(
        (), description=f"Comma-separated: {', '.join(Dimension)}; or `{_NO_GROUPS}`.", examples=["model,day"]
    )
    from_: Moment | None = Field(
        None, alias="from", description="RFC 3339 or a UTC date. 30 days before `to` when left out."
    )
    to: Moment | None = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")
    model: str | None = None
    project_id: UUID | None = None
    key_id: UUID | None = None
    route: str | None = Field(None, description="Calls for this route.")
    end_user: str | None = Field(None, description="Calls whose `user` this was.")
    tag: str | None = Field(None, description="Calls with this tag of `x-llmo-tags`.", examples=["team=search"])

    def query(self, org_id: UUID, *, now: datetime) -> UsageQuery:
        """The question, for one organization, in UTC."""
        end = (self.to or now).astimezone(UTC)
        return UsageQuery(
            org_id=org_id,
            start=(self.from_ or default_start(end)).astimezone(UTC),
            end=end,
            dimensions=self.group_by,
            model=self.model,
            project_id=self.project_id,
            key_id=self.key_id,
            route=self.route,
            end_user=self.end_user,
            tag=self.tag,
        )


class TotalsOut(Model):
    """Sums and latencies of some calls. Costs are decimal text in US dollars; latencies are within 1 %.

    `attempts` is how often providers were asked, `spared_input_tokens` how many tokens of input optimizations left out.
    """

    requests: int
    errors: int
    cache_hits: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    attempts: int
    spared_input_tokens: int
    cost_usd: Usd
    saved_usd: Usd
    latency_ms: Percentiles | None
    ttft_ms: Percentiles | None


class UsageOut(TotalsOut):
    """The calls of one group; it has the members that `group_by` asked for."""

    model: str | None = None
    project_id: UUID | Literal["(others)"] | None = None
    key_id: UUID | Literal["(others)"] | None = None
    day: str | None = Field(None, examples=["2026-08-17"])
    hour: datetime | None = None
    status: str | None = None
    cache: str | None = None
    endpoint: str | None = None
    provider: str | None = None
    connection: str | None = None
    route: str | None = None
    variant: str | None = None
    prompt: str | None = Field(None, examples=["support@3"])
    end_user: str | None = None
    batch: str | None = None


_MEMBERS = {Dimension.PROJECT: "project_id", Dimension.KEY: "key_id"}


class GapOut(Model):
    """Why some calls may be missing."""

    code: Gap
    detail: str

    @classmethod
    def every(cls, gaps: Iterable[Gap]) -> list[Self]:
        """Show several."""
        return [cls(code=gap, detail=gap.detail) for gap in sorted(gaps)]


class UsageReportOut(Model):
    """Usage by group, and of all groups together. Without `warnings` no call is missing."""

    model_config = ConfigDict(populate_by_name=True)

    data: list[UsageOut]
    totals: TotalsOut
    from_: datetime = Field(alias="from")
    to: datetime
    group_by: list[Dimension]
    warnings: list[GapOut]

    @classmethod
    def of(cls, query: UsageQuery, report: UsageReport) -> Self:
        """Show a report."""
        return cls(
            data=[UsageOut(**_members(query.dimensions, usage), **_figures(usage)) for usage in report.data],
            totals=TotalsOut(**_figures(report.totals)),
            from_=query.start,
            to=query.end,
            group_by=list(query.dimensions),
            warnings=GapOut.every(report.gaps),
        )


def _members(dimensions: Iterable[Dimension], usage: Usage) -> dict[str, Any]:
    values = dict(zip(dimensions, usage.group, strict=True))
    day = values.get(Dimension.DAY)
    if isinstance(day, datetime):
        values[Dimension.DAY] = day.date().isoformat()
    return {_MEMBERS.get(dimension, dimension.value): value for dimension, value in values.items()}


def _figures(usage: Usage) -> dict[str, Any]:
    return {**usage.sums.model_dump(), "latency_ms": usage.latency_ms, "ttft_ms": usage.ttft_ms}
