"""Making a span of each call, the same one however often its event is delivered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol
from uuid import UUID

from llmo_core.trace import parse_traceparent
from llmo_messaging.consumer import Delivery
from tracing.attributes import attributes, error_type, operation
from tracing.models import CallSpan, UsageRecorded

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# The part of a trace id that is random: https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
_RANDOM: Final = 2**56
_SAMPLED: Final = 1


class SpanExport(Protocol):
    """Where spans go."""

    async def export(self, spans: Sequence[CallSpan]) -> None:
        """Return when they are taken. Raises ExportFailed; exporting again is safe, as ids stay the same."""
        ...


class Tracing:
    """Traces calls.

    Args:
        ratio: Which part of the calls is traced that belong to no trace of their caller's, 0 to 1.
    """

    def __init__(self, *, spans: SpanExport, ratio: float) -> None:
        self._spans = spans
        self._ratio = ratio

    async def trace(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        """Export the spans of those calls that are traced. Raises ExportFailed."""
        found = [span_of(each) for each in deliveries if self._traced(each)]
        if found:
            await self._spans.export(found)

    def _traced(self, delivery: Delivery[UsageRecorded]) -> bool:
        """The caller decides for its own traces; of the others always the same calls are chosen."""
        parent = _parent(delivery)
        if parent is not None:
            return bool(parent[2] & _SAMPLED)
        return delivery.envelope.id.int % _RANDOM < self._ratio * _RANDOM


def span_of(delivery: Delivery[UsageRecorded]) -> CallSpan:
    """A call's span: below the caller's own, or the first of a trace whose id is the event's (a UUID of version 7)."""
    call, event_id = delivery.event, delivery.envelope.id
    trace_id, parent_id, _ = _parent(delivery) or (event_id.int, None, _SAMPLED)
    started_ns = (call.started_at - _EPOCH) // _MICROSECOND * 1_000
    return CallSpan(
        trace_id=trace_id,
        span_id=_span_id(event_id),
        parent_id=parent_id,
        name=f"{operation(call)} {call.requested_model}",
        started_ns=started_ns,
        ended_ns=started_ns + round(call.latency_ms * 1_000_000),
        attributes=attributes(call),
        error=error_type(call),
    )


def _parent(delivery: Delivery[UsageRecorded]) -> tuple[int, int, int] | None:
    """Trace, span and flags of the caller, when it sent a valid `traceparent`."""
    text = parse_traceparent(delivery.envelope.traceparent or "")
    if text is None:
        return None
    _, trace_id, span_id, flags = text.split("-")
    return int(trace_id, 16), int(span_id, 16), int(flags, 16)


def _span_id(event_id: UUID) -> int:
    return int.from_bytes(sha256(event_id.bytes).digest()[:8]) or 1
