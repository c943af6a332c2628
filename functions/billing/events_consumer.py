"""Entry point of the consumer of events that matter to billing: of other services, and its own that flows go by.

The subscription of a closed organization ends, and invoices that could not be collected are dunned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.flows.wiring import following
from billing.invoices.events import InvoicePaymentFailed
from billing.subscriptions import workers
from billing.subscriptions.closing import OrganizationClosed
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _close(deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
    await workers.closing().close(deliveries)


async def _dun(deliveries: Sequence[Delivery[InvoicePaymentFailed]]) -> None:
    await following().dun(deliveries)


_CONSUMER = Consumer(
    Handler(OrganizationClosed, _close),
    Handler(InvoicePaymentFailed, _dun),
    dead_letters=workers.dead_letters,
    claims=workers.claims,
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deal with every event of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
