"""Usage of LLMs: the event that reports a call, and what is asked and answered about many."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from analytics.models import Gap
from analytics.percentiles import Histogram, Percentiles
from llmo_core.model import Model
from llmo_messaging.envelope import Event

# What MongoDB can hold: one value that it cannot would fail the whole batch that brings it.
type Count = Annotated[int, Field(ge=0, le=2**53)]
type Dollars = Annotated[Decimal, Field(ge=0, max_digits=34, decimal_places=12)]
type Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def of_our_time(moment: datetime) -> datetime:
    """The same moment. Raises ValueError for years that no LLM was called in, or that time zones lead out of."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the year must be between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


_FIRST_YEAR, _LAST_YEAR = 2000, 9998
type Moment = Annotated[AwareDatetime, AfterValidator(of_our_time)]

KEPT = timedelta(days=90)
"""For how long after it arrived a call is kept, where nothing else is set."""

FAILED = frozenset({"error", "lost"})


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    """One LLM call, as the gateway reports it. `input_tokens` and `output_tokens` include the finer counts."""

    request_id: str
    org_id: UUID
    project_id: UUID
    key_id: UUID
    endpoint: str
    requested_model: str
    model: str
    provider: str
    status: str
    http_status: Count
    error_code: str | None = None
    stream: bool
    cache: str
    input_tokens: Count
    cached_input_tokens: Count
    output_tokens: Count
    reasoning_tokens: Count
    estimated: bool
    cost_usd: Dollars
    saved_usd: Dollars
    price_version: str
    latency_ms: Milliseconds
    ttft_ms: Milliseconds | None
    started_at: Moment
    end_user: str | None = None
    connection: str | None = None
    route: str | None = None
    variant: str | None = None
    attempts: Count = 1
    spared_input_tokens: Count = 0
    prompt: str | None = None
    cache_match: str | None = None
    similarity: Annotated[float, Field(ge=-1, le=1)] | None = None
    output_tokens_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    tags: Mapping[str, str] = Field(default_factory=dict)
    batch: str | None = None
    fingerprint: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the call counts as an error. One that the client ended itself does not."""
        return self.status in FAILED


class Dimension(StrEnum):
    """What usage can be grouped by."""

    MODEL = "model"
    PROJECT = "project"
    KEY = "key"
    DAY = "day"
    HOUR = "hour"
    STATUS = "status"
    CACHE = "cache"
    ENDPOINT = "endpoint"
    PROVIDER = "provider"
    CONNECTION = "connection"
    ROUTE = "route"
    VARIANT = "variant"
    PROMPT = "prompt"
    END_USER = "end_user"
    BATCH = "batch"


class UsageQuery(Model):
    """Which calls of one organization to sum up: those that started in [start, end), in UTC.

    Attributes:
        tag: `key=value`, which they all have.
    """

    org_id: UUID
    start: datetime
    end: datetime
    dimensions: tuple[Dimension, ...] = ()
    model: str | None = None
    project_id: UUID | None = None
    key_id: UUID | None = None
    route: str | None = None
    end_user: str | None = None
    tag: str | None = None


class Sums(Model):
    """What adds up over calls."""

    requests: int = 0
    errors: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    attempts: int = 0
    spared_input_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in Sums.model_fields})


type Group = tuple[object, ...]
"""The values of the query's dimensions, in their order."""


class UsageGroup(Model):
    """The calls that share the values of all dimensions, with histograms of their latencies."""

    group: Group
    sums: Sums
    latency: Histogram
    ttft: Histogram


class UsageGroups(Model):
    """Calls by group, in the order of the groups' values, and why some may be missing. A group has at least one."""

    groups: tuple[UsageGroup, ...]
    gaps: frozenset[Gap] = frozenset()


class Usage(Model):
    """Sums and latencies of some calls; `ttft_ms` only of streamed ones. Without calls there are no latencies."""

    group: Group
    sums: Sums
    latency_ms: Percentiles | None
    ttft_ms: Percentiles | None


class UsageReport(Model):
    """Usage by group, and of all groups together, and why some calls may be missing."""

    data: tuple[Usage, ...]
    totals: Usage
    gaps: frozenset[Gap] = frozenset()
