"""What collects invoices and gives money back, as the product is wired, with Stripe's real SDK and a stand-in."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from billing.credit_notes import wiring
from billing.credit_notes.archive import NoteArchive
from billing.credit_notes.issuing import IssuingService
from billing.credit_notes.models import CreditNote, LineWanted, NoteWanted, Outcome
from billing.credit_notes.operating import NoteOperations
from billing.credit_notes.paying_back import InvoiceBackings, PayingBack
from billing.credit_notes.reading import NoteReader
from billing.credit_notes.repository import PostgresCreditNotes
from billing.invoices.collecting import Collected, CollectingService
from billing.invoices.models import Invoice
from billing.invoices.withdrawing import WithdrawingService
from billing.models import Operator
from billing.payments import wiring as payment_wiring
from billing.payments.models import Payment, Purpose, PurposeKind, Refund, RefundReason
from billing.payments.settling import Reversals
from billing.wallets.buying import BuyingService
from billing.wallets.reversing import Backings, Reversal, TopUpBackings
from llmo_core.ids import new_id
from local.vendors.stripe_payments import create_refund
from tests.fakes.stripe import GOOD_CARD
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.payments.paying import Paying


class Cashier:
    """All of it."""

    def __init__(self, office: Office, paying: Paying) -> None:
        self.office, self.paying, self.bank = office, paying, office.bank
        database = paying.database
        self.notes = PostgresCreditNotes(database)
        shared: dict[str, Any] = {"events": office.events, "transaction": database.transaction, "new_id": new_id}
        self.paying_back = PayingBack(
            payments=paying.payments,
            refunds=paying.refunds,
            disputes=paying.disputes,
            ledger=self.bank.ledger,
            giving_back=paying.refunding,
            clock=paying.clock,
            new_id=new_id,
        )
        self.issuing = IssuingService(
            notes=self.notes,
            invoices=office.kept,
            deducting=office.settling,
            paying_back=self.paying_back,
            credits_=self.bank.credits,
            ledger=self.bank.ledger,
            clock=office.clock,
            **shared,
        )
        self.operations = NoteOperations(issuing=self.issuing, operator=Operator(office.catalogue.operator_id))
        self.reader = NoteReader(notes=self.notes, invoices=office.kept, documents=NoteArchive(office.archive))
        backings = InvoiceBackings(invoices=office.kept, notes=self.notes, paying_back=self.paying_back)
        paying.settlement = office.settlements()
        paying.reversal = Reversals(
            {PurposeKind.INVOICE: self._reversal(backings), PurposeKind.TOP_UP: self._reversal(TopUpBackings())}
        )
        office.withdrawals.service = WithdrawingService(paying.charging)

    def _reversal(self, backings: Backings) -> Reversal:
        return Reversal(
            backings=backings,
            credits_=self.bank.credits,
            ledger=self.bank.ledger,
            refunds=self.paying.refunds,
            clock=self.office.clock,
            new_id=new_id,
        )

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.note_operations: lambda: self.operations,
            wiring.note_reader: lambda: self.reader,
            payment_wiring.refunding: self.paying.refunding,
            payment_wiring.payment_service: self.paying.payment_service,
        }

    async def collected(self, invoice: Invoice, number: str = GOOD_CARD) -> Payment:
        """Charge a card for an invoice; the payment as it is then."""
        await self.paying.card(invoice.org_id, number)
        await self.collect(invoice)
        return await self.payment(PurposeKind.INVOICE, invoice.org_id, invoice.id)

    async def collect(self, invoice: Invoice) -> Collected:
        """Charge the card that is saved."""
        collecting = CollectingService(invoices=self.office.kept, charging=await self.paying.charging())
        return await collecting.collect(invoice.org_id, invoice.id)

    async def bought(self, principal: Any, wallet_id: UUID, amount: int) -> Payment:
        """Buy credit by the card that is saved."""
        buying = BuyingService(
            wallets=self.bank.wallets,
            top_ups=self.bank.top_ups,
            charges=await self.paying.charging(),
            transaction=self.paying.database.transaction,
            clock=self.office.clock,
        )
        top_up = await buying.buy(principal, wallet_id, amount, method_id=None)
        return await self.payment(PurposeKind.TOP_UP, top_up.org_id, top_up.id)

    async def payment(self, kind: PurposeKind, org_id: UUID, purpose_id: UUID) -> Payment:
        """The last payment for something."""
        found = await self.paying.payments.newest_for(org_id, Purpose(kind=kind, id=purpose_id))
        assert found is not None
        return found

    async def credit(
        self, invoice: Invoice, amount: int | None = None, outcome: Outcome = Outcome.CREDIT, **options: Any
    ) -> CreditNote:
        """Credit an amount of the first line, or all that is left."""
        lines = (LineWanted(line=0, amount=amount),) if amount is not None else None
        wanted = NoteWanted(lines=lines, outcome=outcome)
        return await self.issuing.issue(invoice.org_id, invoice.id, wanted, **options)

    async def refund(self, payment: Payment, amount: int | None = None) -> Refund:
        """Refund a payment without a note."""
        refunding = await self.paying.refunding()
        reason = RefundReason.REQUESTED_BY_CUSTOMER
        return await refunding.refund_of(payment.org_id, payment.id, amount=amount, reason=reason)

    async def happens(self, path: str, *types: str, **given: Any) -> None:
        """Something outside of Stripe, of which events tell."""
        await self.paying.stripe.happens(path, **given)
        await self.paying.told(*types)

    async def refunded_at_stripe(self, payment: Payment, amount: int) -> str:
        """Refund a payment in Stripe's dashboard, of which an event tells; Stripe's id."""
        made = create_refund(self.paying.stripe.api.store, {"payment_intent": payment.stripe_id, "amount": amount})
        await self.paying.told("refund.created")
        return str(made["id"])

    async def lost(self, payment: Payment) -> None:
        """Let the customer's bank take a payment back for good."""
        await self.happens(f"payment_intents/{payment.stripe_id}/dispute")
        dispute = self.paying.stripe.objects("dispute")[0]
        await self.happens(f"disputes/{dispute['id']}/close", status="lost")

    async def found(self, invoice: Invoice) -> Invoice:
        """An invoice as it is now."""
        found = await self.office.kept.find(invoice.org_id, invoice.id)
        assert found is not None
        return found

    async def refunds(self, payment: Payment) -> Sequence[Refund]:
        """A payment's."""
        return await self.paying.refunds.of_payment(payment.org_id, payment.id)

    async def given_for_nothing(self, org_id: UUID, purpose_id: UUID) -> int:
        """What the ledger says went back without anything that accounts for it."""
        return (await self.bank.balances(org_id)).get(("refunds", purpose_id), 0)

    async def require_in_order(self, invoice: Invoice) -> None:
        """Every cent is traceable, and the ledger says of the invoice what the invoice says of itself."""
        await self.bank.require_traceable(invoice.org_id)
        now = await self.found(invoice)
        assert await self.office.receivable(invoice.org_id, invoice.id) == (
            now.remaining if now.status != "uncollectible" else 0
        )
        notes = await self.notes.of_invoice(invoice.org_id, invoice.id)
        assert now.amount_credited == sum(note.total for note in notes) <= now.breakdown.total
