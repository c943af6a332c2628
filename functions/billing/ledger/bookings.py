"""What is booked of each thing that happens: entries that add up to nothing.

A debit is positive, a credit negative. `cash` and `receivable` are what we have and are owed, `credit` and `taxes` what
we owe, `revenue` and `breakage` (credit that nobody spent) what was earned, `promotions` and `bad_debt` what it cost.
`refunds` is money that went back, less what credit notes and credit that was taken back account for: what is left of it
was given back for nothing.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_core.model import Model


class Account(StrEnum):
    """What entries are summed up by.

    `credit` has one for each grant, `receivable` one for each invoice, `refunds` one for each invoice and top-up.
    """

    CASH = "cash"
    RECEIVABLE = "receivable"
    CREDIT = "credit"
    TAXES = "taxes"
    REVENUE = "revenue"
    BREAKAGE = "breakage"
    PROMOTIONS = "promotions"
    BAD_DEBT = "bad_debt"
    REFUNDS = "refunds"


_OF_SOMETHING: Final = frozenset({Account.CREDIT, Account.RECEIVABLE, Account.REFUNDS})


class Kind(StrEnum):
    """What happened."""

    TOPPED_UP = "topped_up"
    PROMOTED = "promoted"
    SPENT = "spent"
    EXPIRED = "expired"
    RESTORED = "restored"
    OVERPAID = "overpaid"
    INVOICED = "invoiced"
    VOIDED = "voided"
    PAID = "paid"
    REFUNDED = "refunded"
    WRITTEN_OFF = "written_off"
    RECOVERED = "recovered"
    CREDITED = "credited"
    RETURNED = "returned"
    RECLAIMED = "reclaimed"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"


class Entry(Model):
    """An amount in an account, in minor units: a debit is positive, a credit negative.

    Attributes:
        subject: Which grant of `credit`, which invoice of `receivable`, which invoice or top-up of `refunds`.
    """

    account: Account
    subject: UUID | None = None
    amount: MinorUnits

    @model_validator(mode="after")
    def _subject_of_the_account(self) -> Self:
        if (self.subject is not None) != (self.account in _OF_SOMETHING):
            raise ValueError("`credit`, `receivable` and `refunds` have a subject, and no other account has one")
        if not self.amount:
            raise ValueError("nothing is not booked")
        return self


class Booking(Model):
    """What one thing that happened comes to: entries that add up to nothing.

    Attributes:
        reference: What it happened to; each kind happens to it once.
    """

    kind: Kind
    reference: UUID
    currency: Currency
    entries: Annotated[tuple[Entry, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        rest = sum(entry.amount for entry in self.entries)
        if rest:
            raise ValueError(f"the entries add up to {rest}, not to 0")
        return self


class Booked(Booking):
    """A booking that is in the ledger."""

    id: UUID
    org_id: UUID
    booked_at: AwareDatetime


def topped_up(top_up_id: UUID, grant_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Credit that was paid for."""
    return _granting(Kind.TOPPED_UP, top_up_id, grant_id, amount, currency, Entry(account=Account.CASH, amount=amount))


def promoted(grant_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Credit that was given away."""
    cost = Entry(account=Account.PROMOTIONS, amount=amount)
    return _granting(Kind.PROMOTED, grant_id, grant_id, amount, currency, cost)


def overpaid(reference: UUID, invoice_id: UUID, grant_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """What an invoice with a negative total leaves the customer, or a payment that nobody owed, as credit.

    `reference` is the invoice, or the payment.
    """
    owed = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=amount)
    return _granting(Kind.OVERPAID, reference, grant_id, amount, currency, owed)


def restored(invoice_id: UUID, amounts: Mapping[UUID, MinorUnits], currency: Currency) -> Booking:
    """Credit that an invoice had taken which is void by now, as grants of their own."""
    owed = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=sum(amounts.values()))
    return Booking(kind=Kind.RESTORED, reference=invoice_id, currency=currency, entries=(owed, *_grants(amounts, -1)))


def spent(invoice_id: UUID, amounts: Mapping[UUID, MinorUnits], currency: Currency) -> Booking:
    """What an invoice took of grants."""
    paid = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=-sum(amounts.values()))
    return Booking(kind=Kind.SPENT, reference=invoice_id, currency=currency, entries=(*_grants(amounts, 1), paid))


def expired(grant_id: UUID, amount: MinorUnits, currency: Currency, *, was_free: bool) -> Booking:
    """What was left of a grant: earned if it was paid for, not given away after all if it was free."""
    account = Account.PROMOTIONS if was_free else Account.BREAKAGE
    entries = _both(Entry(account=Account.CREDIT, subject=grant_id, amount=amount), account)
    return Booking(kind=Kind.EXPIRED, reference=grant_id, currency=currency, entries=entries)


def invoiced(invoice_id: UUID, *, net: MinorUnits, taxes: MinorUnits, currency: Currency) -> Booking | None:
    """What an invoice comes to, which may be negative; None where there is nothing to book."""
    parts = (
        (Account.RECEIVABLE, invoice_id, net + taxes),
        (Account.REVENUE, None, -net),
        (Account.TAXES, None, -taxes),
    )
    entries = _entries(parts)
    if not entries:
        return None
    return Booking(kind=Kind.INVOICED, reference=invoice_id, currency=currency, entries=entries)


def voided(invoice_id: UUID, *, net: MinorUnits, taxes: MinorUnits, currency: Currency) -> Booking | None:
    """The opposite of what was booked when an invoice was finalized which is void by now."""
    booking = invoiced(invoice_id, net=-net, taxes=-taxes, currency=currency)
    return booking.model_copy(update={"kind": Kind.VOIDED}) if booking is not None else None


def paid(payment_id: UUID, invoice_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Money that came for an invoice."""
    owed = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=-amount)
    return Booking(kind=Kind.PAID, reference=payment_id, currency=currency, entries=_both(owed, Account.CASH))


def refunded(refund_id: UUID, paid_for: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Money that went back, of what paid for an invoice or a top-up."""
    return _money_back(Kind.REFUNDED, refund_id, paid_for, amount, currency)


def refund_failed(refund_id: UUID, paid_for: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Money that went back, and came again: the customer's bank did not take it."""
    return _money_back(Kind.REFUND_FAILED, refund_id, paid_for, -amount, currency)


def disputed(dispute_id: UUID, paid_for: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """Money that the customer's bank took back for good."""
    return _money_back(Kind.DISPUTED, dispute_id, paid_for, amount, currency)


def reclaimed(reference: UUID, paid_for: UUID, amounts: Mapping[UUID, MinorUnits], currency: Currency) -> Booking:
    """Credit that was taken back, because the money which had paid for it goes back by the refund or dispute."""
    gone = Entry(account=Account.REFUNDS, subject=paid_for, amount=-sum(amounts.values()))
    return Booking(kind=Kind.RECLAIMED, reference=reference, currency=currency, entries=(*_grants(amounts, 1), gone))


def credited(
    note_id: UUID, invoice_id: UUID, *, net: MinorUnits, taxes: MinorUnits, back: MinorUnits, currency: Currency
) -> Booking:
    """What a credit note says is not owed after all. So much of it is `back`, or goes back, as money."""
    parts = (
        (Account.REVENUE, None, net),
        (Account.TAXES, None, taxes),
        (Account.REFUNDS, invoice_id, -back),
        (Account.RECEIVABLE, invoice_id, back - net - taxes),
    )
    return Booking(kind=Kind.CREDITED, reference=note_id, currency=currency, entries=_entries(parts))


def returned(reference: UUID, owed: Entry, amounts: Mapping[UUID, MinorUnits], currency: Currency) -> Booking:
    """What is owed to the customer as credit: by a credit note, or because a refund failed."""
    return Booking(kind=Kind.RETURNED, reference=reference, currency=currency, entries=(owed, *_grants(amounts, -1)))


def written_off(invoice_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """What is not expected to be paid any more."""
    owed = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=-amount)
    return Booking(
        kind=Kind.WRITTEN_OFF, reference=invoice_id, currency=currency, entries=_both(owed, Account.BAD_DEBT)
    )


def recovered(payment_id: UUID, invoice_id: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    """What is paid after all, although it was written off."""
    owed = Entry(account=Account.RECEIVABLE, subject=invoice_id, amount=amount)
    return Booking(kind=Kind.RECOVERED, reference=payment_id, currency=currency, entries=_both(owed, Account.BAD_DEBT))


def _granting(
    kind: Kind, reference: UUID, grant_id: UUID, amount: MinorUnits, currency: Currency, debit: Entry
) -> Booking:
    credit = Entry(account=Account.CREDIT, subject=grant_id, amount=-amount)
    return Booking(kind=kind, reference=reference, currency=currency, entries=(debit, credit))


def _both(entry: Entry, other: Account) -> tuple[Entry, Entry]:
    return entry, Entry(account=other, amount=-entry.amount)


def _money_back(kind: Kind, reference: UUID, paid_for: UUID, amount: MinorUnits, currency: Currency) -> Booking:
    gone = Entry(account=Account.REFUNDS, subject=paid_for, amount=amount)
    return Booking(kind=kind, reference=reference, currency=currency, entries=_both(gone, Account.CASH))


def _grants(amounts: Mapping[UUID, MinorUnits], sign: int) -> Iterable[Entry]:
    return (Entry(account=Account.CREDIT, subject=grant, amount=sign * amount) for grant, amount in amounts.items())


def _entries(parts: Iterable[tuple[Account, UUID | None, MinorUnits]]) -> tuple[Entry, ...]:
    return tuple(Entry(account=account, subject=subject, amount=amount) for account, subject, amount in parts if amount)
