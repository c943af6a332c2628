"""What can be asked about an organization's LLM calls, and what is answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from analytics.models import Gap
from analytics.usage.models import Dimension
from llmo_core.errors import Invalid
from llmo_core.model import Model

type Value = int | float | Decimal | None
"""A metric's value: counts are int, dollars Decimal, ratios and milliseconds float; None where there is nothing."""


class Metric(StrEnum):
    """What calls add up to. Shares lie in [0, 1]; percentiles are within 1 %."""

    REQUESTS = "requests"
    ERRORS = "errors"
    ERROR_RATE = "error_rate"
    CACHE_HITS = "cache_hits"
    CACHE_HIT_RATIO = "cache_hit_ratio"
    INPUT_TOKENS = "input_tokens"
    CACHED_INPUT_TOKENS = "cached_input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    TOTAL_TOKENS = "total_tokens"
    ATTEMPTS = "attempts"
    SPARED_INPUT_TOKENS = "spared_input_tokens"
    COST_USD = "cost_usd"
    SAVED_USD = "saved_usd"
    SAVED_RATIO = "saved_ratio"
    COST_PER_REQUEST_USD = "cost_per_request_usd"
    UNIQUE_USERS = "unique_users"
    LATENCY_P50 = "latency_ms_p50"
    LATENCY_P90 = "latency_ms_p90"
    LATENCY_P95 = "latency_ms_p95"
    LATENCY_P99 = "latency_ms_p99"
    TTFT_P50 = "ttft_ms_p50"
    TTFT_P90 = "ttft_ms_p90"
    TTFT_P95 = "ttft_ms_p95"
    TTFT_P99 = "ttft_ms_p99"
    SPEED_P50 = "output_tokens_per_second_p50"
    SPEED_P90 = "output_tokens_per_second_p90"
    SPEED_P95 = "output_tokens_per_second_p95"
    SPEED_P99 = "output_tokens_per_second_p99"


class Interval(StrEnum):
    """How long a step of a time series is, in the question's time zone; weeks begin on Mondays (ISO 8601)."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Filter(Model):
    """Only calls whose dimension has one of the values; None stands for calls that have none of it."""

    dimension: Dimension
    values: tuple[str | None, ...]


def all_hold(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """The same with one filter a dimension: of several, every one holds. None of the calls may be left."""
    values: dict[Dimension, tuple[str | None, ...]] = {}
    for each in filters:
        before = values.get(each.dimension, each.values)
        values[each.dimension] = tuple(value for value in before if value in each.values)
    return tuple(Filter(dimension=dimension, values=left) for dimension, left in values.items())


class Order(Model):
    """By which metric groups are ordered; without one they are in the order of their names."""

    metric: Metric
    descending: bool = True


class Question(Model):
    """What to sum up: calls of one organization that started in [start, end), in UTC.

    Attributes:
        dimensions: At most two, none of them a time.
        interval: Steps of a time series; None for one row a group over the whole range.
        time_zone: IANA's name; where days, weeks and months of it begin.
        limit: How many groups; what the others add up to is in the answer's `others`.
    """

    org_id: UUID
    start: datetime
    end: datetime
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...] = ()
    filters: tuple[Filter, ...] = ()
    interval: Interval | None = None
    time_zone: str = "UTC"
    order: Order | None = None
    limit: int = 1000


class Row(Model):
    """The calls of one group, in one step of the time series where there is one.

    Attributes:
        time: Where the step begins, in UTC; None without an interval.
        group: Values of the question's dimensions, in their order; None where calls have none.
        values: In the order of the question's metrics.
    """

    time: datetime | None
    group: tuple[str | None, ...]
    values: tuple[Value, ...]


class Answer(Model):
    """What was asked for.

    Attributes:
        rows: Ordered by group as the question says, and by time within a group. Steps without calls have no row.
        totals: Of all groups together, in the order of the metrics.
        others: Of the groups beyond the limit; None where all are shown.
        approximate: Metrics that are estimates here, and no exact figures: percentiles, unique users of many.
        gaps: Why some of the calls may be missing.
    """

    question: Question
    rows: tuple[Row, ...]
    totals: tuple[Value, ...]
    others: tuple[Value, ...] | None
    approximate: Mapping[Metric, str]
    gaps: frozenset[Gap] = frozenset()


class IntervalTooShort(Invalid):
    """The time series would have too many steps."""


class UnknownTimeZone(Invalid):
    """There is no such time zone."""
