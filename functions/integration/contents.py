"""Entry point of the content log: batches of `llmo.integration.content.recorded` into the store."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from integration.content_log import wiring
from integration.content_log.events import ContentRecorded
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _keep(deliveries: Sequence[Delivery[ContentRecorded]]) -> None:
    log = wiring.content_log()
    async with asyncio.TaskGroup() as group:
        for delivery in deliveries:
            group.create_task(log.keep(delivery.event))


_CONSUMER = Consumer(Handler(ContentRecorded, _keep), dead_letters=wiring.dead_letters, claims=wiring.claims)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Keep the contents of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
