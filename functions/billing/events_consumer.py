"""Entry point of the consumer of events that matter to billing: of other services, and its own that flows go by.

The subscription of a closed organization ends; invoices that could not be collected, or are overdue, are dunned;
changes that are to be paid for, and refunds, are followed to their end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.flows.wiring import following
from billing.invoices.events import InvoiceOverdue, InvoicePaymentFailed
from billing.paid_changes.events import PaidChangeRequested
from billing.payments.events import (
    PaymentCancelled,
    PaymentFailed,
    PaymentSucceeded,
    RefundFailed,
    RefundRequested,
    RefundSucceeded,
)
from billing.subscriptions import workers
from billing.subscriptions.closing import OrganizationClosed
from llmo_core.cold_starts import Counting
from llmo_messaging.consumer import Consumer, Delivery, Handler


async def _close(deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
    await workers.closing().close(deliveries)


async def _dun(deliveries: Sequence[Delivery[InvoicePaymentFailed]]) -> None:
    await following(workers.database()).dun(deliveries)


async def _overdue(deliveries: Sequence[Delivery[InvoiceOverdue]]) -> None:
    await following(workers.database()).dun(deliveries)


async def _change(deliveries: Sequence[Delivery[PaidChangeRequested]]) -> None:
    await following(workers.database()).change(deliveries)


async def _paid(deliveries: Sequence[Delivery[PaymentSucceeded]]) -> None:
    await following(workers.database()).paid(deliveries)


async def _not_paid(deliveries: Sequence[Delivery[PaymentFailed]]) -> None:
    await following(workers.database()).not_paid(deliveries)


async def _payment_cancelled(deliveries: Sequence[Delivery[PaymentCancelled]]) -> None:
    await following(workers.database()).payment_cancelled(deliveries)


async def _refund(deliveries: Sequence[Delivery[RefundRequested]]) -> None:
    await following(workers.database()).refund(deliveries)


async def _refunded(deliveries: Sequence[Delivery[RefundSucceeded]]) -> None:
    await following(workers.database()).refunded(deliveries)


async def _not_refunded(deliveries: Sequence[Delivery[RefundFailed]]) -> None:
    await following(workers.database()).not_refunded(deliveries)


_CONSUMER = Consumer(
    Handler(OrganizationClosed, _close),
    Handler(InvoicePaymentFailed, _dun),
    Handler(InvoiceOverdue, _overdue),
    Handler(PaidChangeRequested, _change),
    Handler(PaymentSucceeded, _paid),
    Handler(PaymentFailed, _not_paid),
    Handler(PaymentCancelled, _payment_cancelled),
    Handler(RefundRequested, _refund),
    Handler(RefundSucceeded, _refunded),
    Handler(RefundFailed, _not_refunded),
    dead_letters=workers.dead_letters,
    claims=workers.claims,
)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deal with every event of a batch once, however often it is delivered; answer the messages that failed."""
    return _CONSUMER.lambda_handler(event)
