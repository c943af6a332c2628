"""Invoices that nobody paid in time: without a payment method, say, no payment fails that would tell of them."""

from uuid import UUID

from billing.invoices.events import InvoiceOverdue
from billing.invoices.models import InvoiceStatus
from billing.invoices.ports import Invoices, Schedule
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction

_AT_ONCE = 100


class OverdueInvoices:
    """Announces them."""

    def __init__(
        self, *, schedule: Schedule, invoices: Invoices, events: Events, transaction: Transaction, clock: Clock
    ) -> None:
        self._schedule = schedule
        self._invoices = invoices
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def announce(self) -> int:
        """Announce each of those that are overdue and that nothing is done about once; how many there were.

        Some at a time. One that fails is logged, and keeps no other from its turn.
        """
        found = await self._schedule.overdue(now=self._clock.now(), limit=_AT_ONCE)
        for org_id, invoice_id in found:
            try:
                await self._announce(org_id, invoice_id)
            except LlmoError as error:
                told = {"invoice_id": str(invoice_id), "reason": error.code}
                logger().error("an overdue invoice could not be announced", extra=told)
        return len(found)

    async def _announce(self, org_id: UUID, invoice_id: UUID) -> None:
        async with self._transaction(org_id):
            invoice = await self._invoices.locked(org_id, invoice_id)  # it may have been paid meanwhile
            if invoice is None or invoice.status is not InvoiceStatus.FINALIZED or not invoice.remaining:
                return
            if not await self._invoices.found_overdue(org_id, invoice_id, at=self._clock.now()):
                return
            overdue = InvoiceOverdue(
                invoice_id=invoice.id,
                number=invoice.number,
                currency=invoice.currency,
                amount_remaining=invoice.remaining,
                due_at=invoice.due_at,
            )
            await self._events.announce(overdue, org_id=org_id, aggregate_id=invoice.id)
