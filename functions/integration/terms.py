"""Entry point of the consumer of billing's terms: what organizations may do, into what the gateways go by."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from integration.billing_terms import wiring
from integration.billing_terms.events import (
    PrepaidLimitChanged,
    ServiceRestored,
    ServiceRestricted,
    ServiceSuspended,
    SpendCapChanged,
)
from integration.billing_terms.service import Told
from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _take(deliveries: Sequence[Delivery[Told]]) -> None:
    ended = await asyncio.gather(*map(_take_one, deliveries), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error  # once all have ended: those that were taken are harmless when the batch comes again


async def _take_one(delivery: Delivery[Told]) -> None:
    if delivery.envelope.orgid is None:
        raise ValueError("terms of no organization")
    await wiring.billing_terms().take(delivery.envelope.orgid, delivery.event)


_CONSUMER = Consumer(
    Handler(ServiceRestricted, _take),
    Handler(ServiceSuspended, _take),
    Handler(ServiceRestored, _take),
    Handler(SpendCapChanged, _take),
    Handler(PrepaidLimitChanged, _take),
    dead_letters=wiring.dead_letters,
    claims=wiring.claims,
)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Keep the terms of a batch, however often and in whichever order they come; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
