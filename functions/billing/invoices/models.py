"""Invoices that are kept, and what can go wrong with them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

from billing.accounts.fields import TaxId
from billing.accounts.models import Account, Address
from billing.fields import MinorUnits
from billing.invoicing.breakdown import Breakdown
from billing.periods import Period
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, NotFound
from llmo_core.fields import Moment
from llmo_core.model import Model


class InvoiceStatus(StrEnum):
    """How far an invoice is. Once it is finalized nothing of what it says changes any more."""

    DRAFT = "draft"
    FINALIZED = "finalized"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


_NEXT: Final = {
    InvoiceStatus.DRAFT: {InvoiceStatus.FINALIZED, InvoiceStatus.PAID},
    InvoiceStatus.FINALIZED: {InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID},
    InvoiceStatus.UNCOLLECTIBLE: {InvoiceStatus.PAID, InvoiceStatus.VOID},
    InvoiceStatus.PAID: set[InvoiceStatus](),
    InvoiceStatus.VOID: set[InvoiceStatus](),
}


class Party(Model):
    """Somebody on an invoice, as they were called when it was finalized."""

    name: str | None
    email: str | None
    address: Address | None
    tax_ids: tuple[TaxId, ...]

    @classmethod
    def of(cls, account: Account | None) -> Self | None:
        """The party that an account is of; None of none."""
        if account is None:
            return None
        return cls(**{name: getattr(account.details, name) for name in cls.model_fields})


class Invoice(Model):
    """What an organization has to pay.

    Attributes:
        subscription_id: What it is for.
        sequence: 1, 2, 3 and so on without gaps in each organization; None of a draft.
        number: The same as it is written on the invoice.
        breakdown: Everything that its amounts follow from.
        period: The time that its lines are about.
        issuer: The operator, as on the day it was finalized.
        customer: The organization, likewise.
        amount_paid: What came for it, in minor units; credit that it took is in the breakdown.
        amount_credited: What its credit notes come to.
        amount_deducted: So much of that was still to be paid, and is not any more.
    """

    id: UUID
    org_id: UUID
    subscription_id: UUID | None
    status: InvoiceStatus = InvoiceStatus.DRAFT
    sequence: int | None = None
    number: str | None = None
    breakdown: Breakdown
    period: Period
    issuer: Party | None = None
    customer: Party | None = None
    amount_paid: MinorUnits = 0
    amount_credited: MinorUnits = 0
    amount_deducted: MinorUnits = 0
    created_at: Moment
    finalized_at: Moment | None = None
    due_at: Moment | None = None
    paid_at: Moment | None = None
    ended_at: Moment | None = None

    @property
    def currency(self) -> Currency:
        """What it is paid in."""
        return self.breakdown.currency

    @property
    def remaining(self) -> MinorUnits:
        """What is still to be paid, in minor units; nothing of one that is void."""
        if self.status is InvoiceStatus.VOID:
            return 0
        return max(self.breakdown.amount_due - self.amount_paid - self.amount_deducted, 0)

    @property
    def taken_credit(self) -> dict[UUID, MinorUnits]:
        """What it took of each grant."""
        return {UUID(credit.id): credit.amount for credit in self.breakdown.credits}

    def to(self, status: InvoiceStatus, **changed: Any) -> Self:  # noqa: ANN401 - any field's
        """The same in another status. Raises InvoiceIsFinal where it does not get there."""
        if status not in _NEXT[self.status]:
            raise InvoiceIsFinal(f"The invoice is {self.status}: it does not become {status}.")
        return self.model_copy(update={"status": status, **changed})

    def numbered(self, sequence: int, at: datetime, due_at: datetime) -> Self:
        """The draft as it is finalized; paid already where nothing is left to pay."""
        paid = not self.breakdown.amount_due
        return self.to(
            InvoiceStatus.PAID if paid else InvoiceStatus.FINALIZED,
            sequence=sequence,
            number=invoice_number(self.org_id, sequence),
            finalized_at=at,
            due_at=due_at,
            paid_at=at if paid else None,
        )


def invoice_number(org_id: UUID, sequence: int) -> str:
    """A number that no other invoice of any organization has: the end of the organization's id, and the sequence."""
    return f"INV-{org_id.hex[-8:].upper()}-{sequence:06}"


class UnknownInvoice(NotFound):
    """There is no invoice with this id."""


class InvoiceIsFinal(Conflict):
    """The invoice does not change any more in this way."""


class InvoiceIsDraft(Conflict):
    """The invoice is a draft: it has no number and no documents yet."""


class PaidInPart(Conflict):
    """Something was paid already: the rest can be credited, but the invoice cannot be void."""


class NothingToPay(Conflict):
    """Nothing is left to pay of the invoice."""


class CreditedInPart(Conflict):
    """A credit note says of a part of the invoice that it is not owed: the rest can be credited, but not be void."""


class NothingSubscribed(NotFound):
    """The organization subscribes to nothing: nothing will be invoiced."""
