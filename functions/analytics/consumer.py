"""The usage consumer: SQS batches of `llmo.integration.usage.recorded` into the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from analytics import wiring
from analytics.rollups.wiring import recording
from analytics.usage.models import UsageRecorded
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _keep(deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
    await recording().record(deliveries)


_CONSUMER = Consumer(Handler(UsageRecorded, _keep), dead_letters=wiring.dead_letters, claims=wiring.claims)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Keep every call of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
