"""Entry point of the usage consumer: batches of `llmo.integration.usage.recorded` are kept and counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.usage import wiring
from billing.usage.models import UsageRecorded
from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, HandledInPart, Handler


async def _record(deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
    failed = await wiring.usage_recording().record(deliveries)
    if failed:
        raise HandledInPart(failed)


_CONSUMER = Consumer(Handler(UsageRecorded, _record), dead_letters=wiring.dead_letters, claims=wiring.claims)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Count every call of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
