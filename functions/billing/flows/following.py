"""Which events start flows, and which end what flows wait for."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from billing.flows.models import Ending, Execution, Flow, Subject, SubjectKind
from billing.flows.ports import StateMachines
from billing.flows.waiting import Waiting
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
from billing.payments.models import PurposeKind
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from llmo_messaging.consumer import Delivery, HandledInPart
from llmo_messaging.envelope import Event

PAYMENT_FAILED = "PaymentFailed"
REFUND_FAILED = "RefundFailed"


class Following:
    """Follows billing's own events. Everything is safe to repeat: executions have names, and who waits is told once.

    Each raises HandledInPart with the events that are to come again.
    """

    def __init__(self, *, machines: StateMachines, waiting: Waiting) -> None:
        self._machines = machines
        self._waiting = waiting

    async def dun[E: InvoicePaymentFailed | InvoiceOverdue](self, deliveries: Sequence[Delivery[E]]) -> None:
        """Start the dunning of each invoice that could not be collected, or is overdue; of each there is one."""
        await _each(deliveries, lambda told: self._start(Flow.DUNNING, told, told.event.invoice_id))

    async def change(self, deliveries: Sequence[Delivery[PaidChangeRequested]]) -> None:
        """Start each change of a subscription that is to be paid for first."""
        await _each(deliveries, lambda told: self._start(Flow.SUBSCRIPTION_CHANGE, told, told.event.change_id))

    async def refund(self, deliveries: Sequence[Delivery[RefundRequested]]) -> None:
        """Follow each refund to its end."""
        await _each(deliveries, lambda told: self._start(Flow.REFUND, told, told.event.refund_id))

    async def paid(self, deliveries: Sequence[Delivery[PaymentSucceeded]]) -> None:
        """Tell whoever waits for a payment that it succeeded."""
        await _each(deliveries, lambda told: self._payment(told, Ending()))

    async def not_paid(self, deliveries: Sequence[Delivery[PaymentFailed]]) -> None:
        """Tell whoever waits for a payment that it failed, and why."""
        await _each(deliveries, lambda told: self._payment(told, payment_failed(told.event.failure_code)))

    async def payment_cancelled(self, deliveries: Sequence[Delivery[PaymentCancelled]]) -> None:
        """Tell whoever waits for a payment that it does not come."""
        await _each(deliveries, lambda told: self._payment(told, payment_failed("cancelled")))

    async def refunded(self, deliveries: Sequence[Delivery[RefundSucceeded]]) -> None:
        """Tell whoever waits for a refund that it succeeded."""
        await _each(deliveries, lambda told: self._refund(told, Ending()))

    async def not_refunded(self, deliveries: Sequence[Delivery[RefundFailed]]) -> None:
        """Tell whoever waits for a refund that it failed, and why."""
        await _each(deliveries, lambda told: self._refund(told, refund_failed(told.event.failure_code)))

    async def _start(self, flow: Flow, told: Delivery[Event], key: UUID) -> None:
        await self._machines.start(Execution(flow=flow, key=key, org_id=_org_of(told)))

    async def _payment(
        self, told: Delivery[PaymentSucceeded] | Delivery[PaymentFailed] | Delivery[PaymentCancelled], ending: Ending
    ) -> None:
        if told.event.purpose_kind is PurposeKind.TOP_UP:
            subject = Subject(kind=SubjectKind.TOP_UP, id=told.event.purpose_id)
            await self._waiting.tell(_org_of(told), subject, ending)

    async def _refund(self, told: Delivery[RefundSucceeded] | Delivery[RefundFailed], ending: Ending) -> None:
        subject = Subject(kind=SubjectKind.REFUND, id=told.event.refund_id)
        await self._waiting.tell(_org_of(told), subject, ending)


def payment_failed(reason: str) -> Ending:
    """How a payment ended that does not come."""
    return Ending(failure=PAYMENT_FAILED, cause=reason)


def refund_failed(reason: str | None) -> Ending:
    """How a refund ended that does not come."""
    return Ending(failure=REFUND_FAILED, cause=reason or "failed")


def _org_of(told: Delivery[Event]) -> UUID:
    if told.envelope.orgid is None:
        raise ValueError("an event of billing is about an organization")
    return told.envelope.orgid


async def _each[E: Event](deliveries: Sequence[Delivery[E]], follow: Callable[[Delivery[E]], Awaitable[None]]) -> None:
    """One after the other; what fails keeps no other from its turn."""
    failed: list[Delivery[E]] = []
    for delivery in deliveries:
        try:
            await follow(delivery)
        except Unavailable as error:
            told = {"event": str(delivery.envelope.id), "type": delivery.envelope.type, "reason": error.detail}
            logger().warning("an event is to come again", extra=told)
            failed.append(delivery)
    if failed:
        raise HandledInPart(failed)
