"""Query parameters and bodies of questions and their answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StrictBool

from analytics.querying.models import Answer, Filter, Interval, Metric, Order, Question, Value, all_hold
from analytics.querying.steps import chosen_interval
from analytics.rollups.models import ROLLED
from analytics.usage.models import Dimension
from analytics.usage.schemas import Dimensions, GapOut, Moment
from analytics.usage.service import default_start
from llmo_core.model import Model

_MOST_VALUES: Final = 100
_DIMENSIONS: Final = (*ROLLED, Dimension.END_USER)

type Text = Annotated[str, Field(max_length=512)]


def _no_times(dimensions: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    if set(dimensions) - set(_DIMENSIONS):
        raise ValueError("days and hours are what `interval` is for")
    if len(set(dimensions)) != len(dimensions):
        raise ValueError("a dimension stands here twice")
    return dimensions


type Grouping = Annotated[
    tuple[Dimension, ...],
    Field(max_length=2, examples=[["model", "project"]]),
    AfterValidator(_no_times),
]


class FilterIn(Model):
    """Only calls whose dimension has one of these values; `null` stands for calls that have none of it."""

    dimension: Annotated[Dimension, AfterValidator(lambda dimension: _no_times((dimension,))[0])]
    values: Annotated[tuple[Text | None, ...], Field(min_length=1, max_length=_MOST_VALUES)]


class OrderIn(Model):
    """The metric that groups are ordered by: the largest first, unless `descending` is false."""

    metric: Metric
    descending: StrictBool = True


class QueryIn(Model):
    """What to sum up."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "metrics": ["requests", "cost_usd", "latency_ms_p95"],
                    "dimensions": ["model"],
                    "from": "2026-08-01",
                    "to": "2026-08-18",
                    "interval": "day",
                    "time_zone": "Europe/Berlin",
                }
            ]
        },
    )

    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=len(Metric))]
    dimensions: Grouping = ()
    filters: Annotated[tuple[FilterIn, ...], Field(max_length=len(_DIMENSIONS))] = ()
    from_: Moment | None = Field(
        None, alias="from", description="RFC 3339 or a UTC date. 30 days before `to` when left out."
    )
    to: Moment | None = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")
    interval: Interval | Literal["auto"] | None = Field(
        None, description="Steps of a time series; `auto` for at most 200. Without it there is one row a group."
    )
    time_zone: Text = Field("UTC", description="IANA's name.", examples=["Europe/Berlin"])
    order_by: OrderIn | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1000
    compare: StrictBool = Field(
        default=False, description="Whether the totals and groups of the period before are wanted too."
    )

    def question(self, org_id: UUID, *, now: datetime) -> Question:
        """The question, for one organization."""
        end = (self.to or now).astimezone(UTC)
        start = (self.from_ or default_start(end)).astimezone(UTC)
        return Question(
            org_id=org_id,
            start=start,
            end=end,
            metrics=tuple(dict.fromkeys(self.metrics)),
            dimensions=self.dimensions,
            filters=all_hold([Filter(dimension=each.dimension, values=each.values) for each in self.filters]),
            interval=chosen_interval(start, end) if self.interval == "auto" else self.interval,
            time_zone=self.time_zone,
            order=Order(metric=self.order_by.metric, descending=self.order_by.descending) if self.order_by else None,
            limit=self.limit,
        )


class PerformanceParameters(Model):
    """Whose performance to show."""

    model_config = ConfigDict(populate_by_name=True)

    group_by: Dimensions = Field(
        (), description=f"At most two, comma-separated: {', '.join(_DIMENSIONS)}.", examples=["model,provider"]
    )
    from_: Moment | None = Field(
        None, alias="from", description="RFC 3339 or a UTC date. 30 days before `to` when left out."
    )
    to: Moment | None = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")
    interval: Interval | Literal["auto"] | None = None
    time_zone: Text = "UTC"
    model: Text | None = None
    provider: Text | None = None
    project_id: UUID | None = None
    key_id: UUID | None = None
    route: Text | None = None

    def query(self) -> QueryIn:
        """The same as a query. Raises ValidationError for what is no dimension, or too many."""
        wanted = {
            Dimension.MODEL: self.model,
            Dimension.PROVIDER: self.provider,
            Dimension.PROJECT: self.project_id,
            Dimension.KEY: self.key_id,
            Dimension.ROUTE: self.route,
        }
        given = [(dimension, said) for dimension, said in wanted.items() if said is not None]
        return QueryIn(
            metrics=PERFORMANCE,
            dimensions=self.group_by,
            filters=tuple(FilterIn(dimension=each, values=(str(said),)) for each, said in given),
            from_=self.from_,
            to=self.to,
            interval=self.interval,
            time_zone=self.time_zone,
        )


PERFORMANCE: Final = (
    Metric.REQUESTS,
    Metric.ERRORS,
    Metric.ERROR_RATE,
    Metric.CACHE_HIT_RATIO,
    *(metric for metric in Metric if metric.startswith(("latency_ms_", "ttft_ms_", "output_tokens_per_second_"))),
)

type Shown = Annotated[
    int | float | str | None,
    Field(description="Dollars are decimal text; counts, shares and milliseconds are numbers."),
]


class RowOut(Model):
    """The calls of one group, in one step of the time series where there is one."""

    time: datetime | None
    group: Mapping[Dimension, str | None]
    values: Mapping[Metric, Shown]


class PreviousOut(Model):
    """The same of the period before."""

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    data: list[RowOut]
    totals: Mapping[Metric, Shown]
    approximate: Mapping[Metric, str]
    warnings: list[GapOut]


class AnswerOut(Model):
    """What was asked for.

    `others` is what groups beyond the limit add up to. `approximate` says how near the truth estimates are. Without
    `warnings` no call is missing.
    """

    model_config = ConfigDict(populate_by_name=True)

    data: list[RowOut]
    totals: Mapping[Metric, Shown]
    others: Mapping[Metric, Shown] | None
    from_: datetime = Field(alias="from")
    to: datetime
    interval: Interval | None
    time_zone: str
    approximate: Mapping[Metric, str]
    warnings: list[GapOut]
    previous: PreviousOut | None

    @classmethod
    def of(cls, answer: Answer, previous: Answer | None = None) -> Self:
        """Show an answer, and the one of the period before."""
        question = answer.question
        return cls(
            data=_rows(answer),
            totals=_named(question, answer.totals),
            others=_named(question, answer.others) if answer.others is not None else None,
            from_=question.start,
            to=question.end,
            interval=question.interval,
            time_zone=question.time_zone,
            approximate=answer.approximate,
            warnings=GapOut.every(answer.gaps),
            previous=PreviousOut(
                from_=previous.question.start,
                to=previous.question.end,
                data=_rows(previous),
                totals=_named(question, previous.totals),
                approximate=previous.approximate,
                warnings=GapOut.every(previous.gaps),
            )
            if previous is not None
            else None,
        )


def _rows(answer: Answer) -> list[RowOut]:
    question = answer.question
    return [
        RowOut(
            time=row.time,
            group=dict(zip(question.dimensions, row.group, strict=True)),
            values=_named(question, row.values),
        )
        for row in answer.rows
    ]


def _named(question: Question, values: tuple[Value, ...]) -> Mapping[Metric, Shown]:
    return {metric: shown(value) for metric, value in zip(question.metrics, values, strict=True)}


def shown(value: Value) -> int | float | str | None:
    """A value as JSON has it: dollars as text, without an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else value
