"""Finalize a draft: take credit, number it, book it."""

from datetime import timedelta
from uuid import UUID

from billing.invoices.events import InvoiceFinalized, InvoicePaid
from billing.invoices.models import Invoice, InvoiceStatus, Party, UnknownInvoice
from billing.invoices.ports import Accounts, Credits, Invoices, Ledger
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import Credit, compute
from billing.invoicing.items import Item
from billing.invoicing.recurring import recurring
from billing.ledger import bookings
from billing.wallets.credits import NewGrant
from billing.wallets.models import Source
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class FinalizingService:
    """Finalizes invoices.

    Args:
        operator_id: Who issues them; None where nobody operates the deployment.
        terms: How long after that they are due.
    """

    def __init__(
        self,
        *,
        invoices: Invoices,
        accounts: Accounts,
        credits_: Credits,
        ledger: Ledger,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        operator_id: UUID | None,
        terms: timedelta,
    ) -> None:
        self._invoices = invoices
        self._accounts = accounts
        self._credits = credits_
        self._ledger = ledger
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id
        self._operator_id = operator_id
        self._terms = terms

    async def finalize(self, org_id: UUID, invoice_id: UUID) -> Invoice:
        """Give a draft its number and what is left of credit, for good. Safe to repeat. Raises UnknownInvoice.

        Numbers have no gaps: whoever finalizes another of the organization's invoices waits until this one is
        committed, and where it is not, its number is the next one's.
        """
        issuer = Party.of(await self._accounts.find(self._operator_id)) if self._operator_id is not None else None
        async with self._transaction(org_id):
            draft = await self._invoices.locked(org_id, invoice_id)
            if draft is None:
                raise UnknownInvoice
            if draft.status is not InvoiceStatus.DRAFT:
                return draft
            now = self._clock.now()
            sequence = await self._invoices.next_sequence(org_id)
            with_credit = draft.model_copy(
                update={
                    "breakdown": await self._with_credit(draft),
                    "issuer": issuer,
                    "customer": Party.of(await self._accounts.find(org_id)),
                }
            )
            invoice = with_credit.numbered(sequence, now, now + self._terms)
            await self._invoices.change(invoice)
            await self._book(invoice)
            await self._invoices.keep_recurring(invoice, recurring(invoice.breakdown))
            await self._announce(invoice)
        return invoice

    async def _with_credit(self, draft: Invoice) -> Breakdown:
        spendable = await self._credits.spendable(draft.org_id, draft.currency)
        items = [Item(**{name: getattr(line, name) for name in Item.model_fields}) for line in draft.breakdown.lines]
        left = [Credit(id=str(grant.id), available=grant.remaining) for grant in spendable]
        return Breakdown.of(compute(draft.currency, items, left))

    async def _book(self, invoice: Invoice) -> None:
        said, org_id, currency = invoice.breakdown, invoice.org_id, invoice.currency
        booking = bookings.invoiced(invoice.id, net=said.subtotal, taxes=said.total - said.subtotal, currency=currency)
        if booking is not None:
            await self._ledger.book(org_id, booking, at=self._clock.now())
        await self._credits.spend(org_id, currency, invoice_id=invoice.id, amounts=invoice.taken_credit)
        if said.owed:
            grant_id = self._new_id()
            new = NewGrant(id=grant_id, source=Source.OVERPAYMENT, reference=invoice.id, amount=said.owed)
            owed = bookings.overpaid(invoice.id, invoice.id, grant_id, said.owed, currency)
            await self._credits.grant(org_id, currency, new, owed)

    async def _announce(self, invoice: Invoice) -> None:
        if invoice.number is None or invoice.due_at is None:
            raise ValueError("a finalized invoice has a number and a day on which it is due")
        shown = {
            "invoice_id": invoice.id,
            "number": invoice.number,
            "currency": invoice.currency,
            "total": invoice.breakdown.total,
        }
        finalized = InvoiceFinalized(**shown, amount_due=invoice.breakdown.amount_due, due_at=invoice.due_at)
        await self._events.announce(finalized, org_id=invoice.org_id, aggregate_id=invoice.id)
        if invoice.status is InvoiceStatus.PAID:
            await self._events.announce(InvoicePaid(**shown), org_id=invoice.org_id, aggregate_id=invoice.id)
