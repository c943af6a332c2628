"""A call to an LLM as a span."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from llmo_core.errors import Unavailable
from llmo_messaging.envelope import Event

type Count = Annotated[int, Field(ge=0, lt=2**63)]
type Dollars = Annotated[str, Field(pattern=r"^\d{1,20}(\.\d{1,12})?$")]
type Milliseconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
type Value = str | int | float | bool

FAILED: Final = frozenset({"error", "lost", "blocked"})
REPLAYED: Final = "hit"


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    """One LLM call, as the gateway reports it. Who its end user is, is none of a trace's business."""

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
    cache_write_tokens: Count = 0
    estimated: bool
    cost_usd: Dollars
    saved_usd: Dollars
    latency_ms: Milliseconds
    ttft_ms: Milliseconds | None
    started_at: AwareDatetime
    connection: str | None = None
    route: str | None = None
    variant: str | None = None
    attempts: Count = 1
    prompt: str | None = None
    cache_match: str | None = None
    tags: Mapping[str, str] = Field(default_factory=dict)
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class CallSpan:
    """A span of OpenTelemetry's, as plain values.

    Attributes:
        parent_id: The caller's own span; None for a trace that begins here.
        started_ns: Since 1970.
        error: What it failed with; None when it did not.
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, Value]
    error: str | None


class ExportFailed(Unavailable):
    """The collector did not take the spans."""
