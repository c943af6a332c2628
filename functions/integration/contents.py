"""Entry point of the content log: batches of `llmo.integration.content.recorded` into the store."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from integration.content_log import wiring
from integration.content_log.events import ContentRecorded
from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _keep(deliveries: Sequence[Delivery[ContentRecorded]]) -> None:
    log = wiring.content_log()
    ended = await asyncio.gather(*(log.keep(each.event) for each in deliveries), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error  # once all have ended: what is kept already is kept once when the batch comes again


_CONSUMER = Consumer(Handler(ContentRecorded, _keep), dead_letters=wiring.dead_letters, claims=wiring.claims)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Keep the contents of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
