"""Entry point of the consumer of other services' events: the subscription of a closed organization ends."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.subscriptions import workers
from billing.subscriptions.closing import OrganizationClosed
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _close(deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
    await workers.closing().close(deliveries)


_CONSUMER = Consumer(Handler(OrganizationClosed, _close), dead_letters=workers.dead_letters, claims=workers.claims)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deal with every event of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
