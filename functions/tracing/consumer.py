"""Traces of calls: SQS batches of `llmo.integration.usage.recorded` to an OpenTelemetry collector."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, Handler
from tracing import wiring
from tracing.models import UsageRecorded


async def _trace(deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
    await wiring.tracing().trace(deliveries)


_CONSUMER = Consumer(Handler(UsageRecorded, _trace), dead_letters=wiring.dead_letters, claims=wiring.claims)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Export one span for each call of a batch that is traced; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
