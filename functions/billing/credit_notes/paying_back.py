"""The money that paid for an invoice: what of it went back, what still can, and how it does."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from billing.credit_notes.computing import unaccounted
from billing.credit_notes.models import NoteReason
from billing.credit_notes.ports import CreditNotes, Disputes, GivesBack, Invoices, Ledger, Payments, Refunds
from billing.fields import MinorUnits
from billing.invoices.models import UnknownInvoice
from billing.ledger.bookings import Account
from billing.payments.models import Payment, Purpose, PurposeKind, RefundReason
from billing.payments.provider import RefundStatus
from billing.payments.refund_recording import left_of, new_refund
from billing.wallets.models import Source
from billing.wallets.reversing import Backing
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.model import Model

_REASONS = {NoteReason.DUPLICATE: RefundReason.DUPLICATE, NoteReason.FRAUDULENT: RefundReason.FRAUDULENT}


class Paid(Model):
    """What was paid for an invoice.

    Attributes:
        payment: The one that succeeded, or is under way; None where nobody tried.
        gone: What went back of it for nothing, in minor units: no note and no credit accounts for it.
        refundable: What still can go back.
    """

    payment: Payment | None
    gone: MinorUnits
    refundable: MinorUnits


class PayingBack:
    """Knows what was paid for invoices, and gives it back.

    Args:
        giving_back: Gives what gives money back, as late as it is needed. Raises PaymentsNotConfigured.
    """

    def __init__(
        self,
        *,
        payments: Payments,
        refunds: Refunds,
        disputes: Disputes,
        ledger: Ledger,
        giving_back: Callable[[], Awaitable[GivesBack]],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._payments = payments
        self._refunds = refunds
        self._disputes = disputes
        self._ledger = ledger
        self._giving_back = giving_back
        self._clock = clock
        self._new_id = new_id

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Paid:
        """What was paid for an invoice, which nobody else changes before the transaction under way ends.

        It is locked before the invoice: whoever settles a payment has locked that when it comes to the invoice.
        """
        last = await self._payments.newest_for(org_id, Purpose(kind=PurposeKind.INVOICE, id=invoice_id))
        payment = await self._payments.locked(org_id, last.id) if last is not None else None
        return await self.of(org_id, invoice_id, payment)

    async def of(self, org_id: UUID, invoice_id: UUID, payment: Payment | None) -> Paid:
        """What was paid for an invoice, by a payment that the caller has locked."""
        gone = await self._ledger.balance(org_id, Account.REFUNDS, invoice_id)
        if payment is None:
            return Paid(payment=None, gone=max(gone, 0), refundable=0)
        refunds = await self._refunds.of_payment(org_id, payment.id)
        disputes = await self._disputes.of_payment(org_id, payment.id)
        gone += sum(refund.amount for refund in refunds if refund.status is RefundStatus.PENDING)
        return Paid(payment=payment, gone=max(gone, 0), refundable=left_of(payment, refunds, disputes))

    async def give_back(self, paid: Paid, amount: MinorUnits, reason: NoteReason, *, created_by: UUID | None) -> UUID:
        """Have a refund made once the transaction under way is committed; its id."""
        if paid.payment is None:
            raise ValueError("nothing was paid that could go back")
        refund = new_refund(
            self._new_id(),
            paid.payment,
            amount,
            self._clock.now(),
            reason=_REASONS.get(reason, RefundReason.REQUESTED_BY_CUSTOMER),
            created_by=created_by,
        )
        await (await self._giving_back()).give_back(paid.payment, refund)
        return refund.id


class InvoiceBackings:
    """A payment for an invoice was earned by it, or has become credit: it came too late, or a note says so."""

    def __init__(self, *, invoices: Invoices, notes: CreditNotes, paying_back: PayingBack) -> None:
        self._invoices = invoices
        self._notes = notes
        self._paying_back = paying_back

    async def of(self, payment: Payment) -> Backing:
        """What a payment for an invoice has become. Raises UnknownInvoice."""
        org_id, invoice_id = payment.org_id, payment.purpose.id
        invoice = await self._invoices.locked(org_id, invoice_id)
        if invoice is None:
            raise UnknownInvoice
        notes = await self._notes.of_invoice(org_id, invoice_id)
        paid = await self._paying_back.of(org_id, invoice_id, payment)
        return Backing(
            references=(payment.id, *(note.id for note in notes)),
            earned=max(unaccounted(invoice, notes) - paid.gone, 0),
            source=Source.OVERPAYMENT,
            reference=payment.id,
        )
