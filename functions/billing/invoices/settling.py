"""What becomes of a finalized invoice: it is paid, given up, or void."""

from uuid import UUID

from billing.fields import MinorUnits
from billing.invoices.events import InvoicePaid, InvoiceUncollectible, InvoiceVoided
from billing.invoices.models import (
    CreditedInPart,
    Invoice,
    InvoiceIsFinal,
    InvoiceStatus,
    PaidInPart,
    UnknownInvoice,
)
from billing.invoices.ports import Credits, Invoices, Ledger, Settled, Withdrawals
from billing.ledger import bookings
from billing.wallets.credits import NewGrant
from billing.wallets.models import Source
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import AfterCommit, Events, Transaction


class SettlingService:
    """Settles invoices. Each of its use cases is safe to repeat, and raises UnknownInvoice.

    Args:
        told: Who is told of invoices that are settled.
    """

    def __init__(
        self,
        *,
        invoices: Invoices,
        credits_: Credits,
        ledger: Ledger,
        withdrawals: Withdrawals,
        told: Settled,
        events: Events,
        transaction: Transaction,
        after_commit: AfterCommit,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._invoices = invoices
        self._credits = credits_
        self._ledger = ledger
        self._withdrawals = withdrawals
        self._told = told
        self._events = events
        self._transaction = transaction
        self._after_commit = after_commit
        self._clock = clock
        self._new_id = new_id

    async def paid(self, org_id: UUID, invoice_id: UUID, *, payment_id: UUID, amount: MinorUnits) -> Invoice:
        """Take a payment, once. What nobody owed, because it is void or paid by now, becomes credit."""
        async with self._transaction(org_id):
            invoice = await self._locked(org_id, invoice_id)
            now = self._clock.now()
            booking = bookings.paid(payment_id, invoice_id, amount, invoice.currency)
            if not await self._ledger.book(org_id, booking, at=now):
                return invoice
            owed = min(amount, invoice.remaining)
            if invoice.status is InvoiceStatus.UNCOLLECTIBLE and owed:
                recovered = bookings.recovered(payment_id, invoice_id, owed, invoice.currency)
                await self._ledger.book(org_id, recovered, at=now)
            if amount > owed:
                await self._credit(invoice, payment_id, amount - owed)
            after = invoice.model_copy(update={"amount_paid": invoice.amount_paid + owed})
            if owed:
                after = await self._paid_if_nothing_remains(after)
            await self._invoices.change(after)
            if after.status is InvoiceStatus.PAID:
                await self._told.settled(after)
        return after

    async def void(self, org_id: UUID, invoice_id: UUID) -> Invoice:
        """Let nothing be owed after all, and give back what it took of credit; a charge under way is cancelled.

        Raises InvoiceIsFinal, PaidInPart, CreditedInPart.
        """
        async with self._transaction(org_id):
            invoice = await self._locked(org_id, invoice_id)
            if invoice.status is InvoiceStatus.VOID:
                return invoice
            now = self._clock.now()
            after = invoice.to(InvoiceStatus.VOID, ended_at=now)
            if invoice.amount_paid:
                raise PaidInPart
            if invoice.amount_credited:
                raise CreditedInPart
            said = invoice.breakdown
            if said.owed:
                raise InvoiceIsFinal("The invoice left credit, which may be spent by now: it cannot be void.")
            if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
                recovered = bookings.recovered(invoice_id, invoice_id, invoice.remaining, invoice.currency)
                await self._ledger.book(org_id, recovered, at=now)
            opposite = bookings.voided(
                invoice_id, net=said.subtotal, taxes=said.total - said.subtotal, currency=invoice.currency
            )
            if opposite is not None:
                await self._ledger.book(org_id, opposite, at=now)
            await self._credits.restore(org_id, invoice.currency, invoice_id=invoice_id, amounts=invoice.taken_credit)
            await self._invoices.change(after)
            told = InvoiceVoided(
                invoice_id=invoice_id, number=_number(invoice), currency=invoice.currency, total=said.total
            )
            await self._events.announce(told, org_id=org_id, aggregate_id=invoice_id)
            await self._told.settled(after)
            self._withdraw(org_id, invoice_id)
        return after

    async def deduct(
        self, org_id: UUID, invoice: Invoice, *, credited: MinorUnits, deducted: MinorUnits, note_id: UUID
    ) -> Invoice:
        """Let less be owed of an invoice that the caller has locked, by a credit note; paid is what leaves nothing.

        A charge under way is cancelled: it would collect more than is left.
        """
        async with self._transaction(org_id):
            now = self._clock.now()
            if invoice.status is InvoiceStatus.UNCOLLECTIBLE and deducted:
                expected = bookings.recovered(note_id, invoice.id, deducted, invoice.currency)
                await self._ledger.book(org_id, expected, at=now)
            changes = {
                "amount_credited": invoice.amount_credited + credited,
                "amount_deducted": invoice.amount_deducted + deducted,
            }
            after = invoice.model_copy(update=changes)
            if deducted:
                after = await self._paid_if_nothing_remains(after)
                self._withdraw(org_id, invoice.id)
            await self._invoices.change(after)
            if after.status is InvoiceStatus.PAID:
                await self._told.settled(after)
        return after

    async def is_owed(self, org_id: UUID, invoice_id: UUID) -> bool:
        """Whether anything is left to pay of an invoice."""
        invoice = await self._invoices.find(org_id, invoice_id)
        return invoice is not None and invoice.remaining > 0

    async def give_up(self, org_id: UUID, invoice_id: UUID) -> Invoice:
        """Expect nothing more of what is left to pay; it may come after all. Raises InvoiceIsFinal."""
        async with self._transaction(org_id):
            invoice = await self._locked(org_id, invoice_id)
            if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
                return invoice
            now = self._clock.now()
            after = invoice.to(InvoiceStatus.UNCOLLECTIBLE, ended_at=now)
            written_off = bookings.written_off(invoice_id, invoice.remaining, invoice.currency)
            await self._ledger.book(org_id, written_off, at=now)
            await self._invoices.change(after)
            told = InvoiceUncollectible(
                invoice_id=invoice_id,
                number=_number(invoice),
                currency=invoice.currency,
                amount_remaining=invoice.remaining,
            )
            await self._events.announce(told, org_id=org_id, aggregate_id=invoice_id)
            await self._told.settled(after)
        return after

    async def _paid_if_nothing_remains(self, invoice: Invoice) -> Invoice:
        if invoice.remaining:
            return invoice
        paid = invoice.to(InvoiceStatus.PAID, paid_at=self._clock.now())
        shown = InvoicePaid(
            invoice_id=paid.id, number=_number(paid), currency=paid.currency, total=paid.breakdown.total
        )
        await self._events.announce(shown, org_id=paid.org_id, aggregate_id=paid.id)
        return paid

    def _withdraw(self, org_id: UUID, invoice_id: UUID) -> None:
        self._after_commit((self, invoice_id), lambda: self._withdrawals.withdraw(org_id, invoice_id))

    async def _credit(self, invoice: Invoice, payment_id: UUID, amount: MinorUnits) -> None:
        grant_id = self._new_id()
        new = NewGrant(id=grant_id, source=Source.OVERPAYMENT, reference=payment_id, amount=amount)
        booking = bookings.overpaid(payment_id, invoice.id, grant_id, amount, invoice.currency)
        await self._credits.grant(invoice.org_id, invoice.currency, new, booking)

    async def _locked(self, org_id: UUID, invoice_id: UUID) -> Invoice:
        found = await self._invoices.locked(org_id, invoice_id)
        if found is None or found.status is InvoiceStatus.DRAFT:
            raise UnknownInvoice
        return found


def _number(invoice: Invoice) -> str:
    if invoice.number is None:
        raise ValueError("a draft is not settled")
    return invoice.number
