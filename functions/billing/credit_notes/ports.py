"""What the use cases of credit notes need of the world around them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.credit_notes.models import CreditNote
from billing.fields import MinorUnits
from billing.invoices.models import Invoice
from billing.ledger.bookings import Account, Booking
from billing.payments.models import Dispute, Payment, Purpose, Refund
from billing.wallets.credits import NewGrant
from billing.wallets.models import Grant
from llmo_core.currencies import Currency


class CreditNotes(Protocol):
    """Where credit notes are kept."""

    async def page(
        self, org_id: UUID, *, invoice_id: UUID | None, before: UUID | None, limit: int
    ) -> Sequence[CreditNote]:
        """At most `limit` notes, of an invoice if one is named, the newest first, older than the one with this id."""
        ...

    async def find(self, org_id: UUID, note_id: UUID) -> CreditNote | None:
        """The one with this id."""
        ...

    async def of_invoice(self, org_id: UUID, invoice_id: UUID) -> Sequence[CreditNote]:
        """An invoice's, the oldest first."""
        ...

    async def add(self, note: CreditNote) -> None:
        """Keep a new one."""
        ...

    async def next_sequence(self, org_id: UUID) -> int:
        """The organization's next number. Whoever else wants one waits until the transaction under way has ended."""
        ...


class Invoices(Protocol):
    """Where invoices are kept."""

    async def find(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...


class Deducting(Protocol):
    """What becomes of invoices."""

    async def deduct(
        self, org_id: UUID, invoice: Invoice, *, credited: MinorUnits, deducted: MinorUnits, note_id: UUID
    ) -> Invoice:
        """Let less be owed of an invoice that the caller has locked, by a credit note."""
        ...


class Payments(Protocol):
    """Where payments are kept."""

    async def newest_for(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """The last attempt to pay for this."""
        ...

    async def locked(self, org_id: UUID, payment_id: UUID) -> Payment | None:
        """The one with this id, which nobody else changes before the end of the transaction under way."""
        ...


class Refunds(Protocol):
    """Where refunds are kept."""

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Refund]:
        """A payment's, the newest first."""
        ...


class Disputes(Protocol):
    """Where disputes are kept."""

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Dispute]:
        """A payment's, the newest first."""
        ...


class GivesBack(Protocol):
    """What gives money back."""

    async def give_back(self, payment: Payment, refund: Refund) -> None:
        """Have a refund made once the transaction under way is committed, by whoever has locked its payment."""
        ...


class Credits(Protocol):
    """The credit of organizations."""

    async def back_of(self, org_id: UUID, amounts: Mapping[UUID, MinorUnits], *, reference: UUID) -> Sequence[NewGrant]:
        """What was taken of these grants, to be given back: of the same rank, and of thirty days at least."""
        ...

    async def grant_all(
        self, org_id: UUID, currency: Currency, new: Sequence[NewGrant], booking: Booking
    ) -> Sequence[Grant]:
        """Grant credit that one booking is about; nothing where it was granted before."""
        ...


class Ledger(Protocol):
    """Where everything is booked."""

    async def book(self, org_id: UUID, booking: Booking, *, at: datetime) -> bool:
        """Book something in the transaction under way; False, and nothing, where it is booked already."""
        ...

    async def balance(self, org_id: UUID, account: Account, subject: UUID) -> int:
        """What an account of something comes to, with what the transaction under way has booked."""
        ...


class Documents(Protocol):
    """Where credit notes are kept as they are printed."""

    async def link(self, note: CreditNote, invoice: Invoice) -> str:
        """Where a note's PDF can be fetched for a few minutes; it is made at the first time."""
        ...
