"""Whatever is booked adds up to nothing."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.ledger import bookings
from billing.ledger.bookings import Account, Booking, Entry, Kind
from llmo_core.currencies import Currency

INVOICE, GRANT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
USD = Currency.USD
amounts = st.integers(1, 10**15)

BOOKINGS: dict[str, Callable[[int], Booking]] = {
    "topped_up": lambda amount: bookings.topped_up(OTHER, GRANT, amount, USD),
    "promoted": lambda amount: bookings.promoted(GRANT, amount, USD),
    "overpaid": lambda amount: bookings.overpaid(OTHER, INVOICE, GRANT, amount, USD),
    "restored": lambda amount: bookings.restored(INVOICE, {GRANT: amount, OTHER: 1}, USD),
    "spent": lambda amount: bookings.spent(INVOICE, {GRANT: amount, OTHER: 7}, USD),
    "expired": lambda amount: bookings.expired(GRANT, amount, USD, was_free=False),
    "paid": lambda amount: bookings.paid(OTHER, INVOICE, amount, USD),
    "refunded": lambda amount: bookings.refunded(OTHER, INVOICE, amount, USD),
    "refund_failed": lambda amount: bookings.refund_failed(OTHER, INVOICE, amount, USD),
    "disputed": lambda amount: bookings.disputed(OTHER, INVOICE, amount, USD),
    "reclaimed": lambda amount: bookings.reclaimed(OTHER, INVOICE, {GRANT: amount, OTHER: 1}, USD),
    "credited": lambda amount: bookings.credited(OTHER, INVOICE, net=amount, taxes=7, back=3, currency=USD),
    "returned": lambda amount: bookings.returned(
        OTHER, Entry(account=Account.RECEIVABLE, subject=INVOICE, amount=amount), {GRANT: amount}, USD
    ),
    "recovered": lambda amount: bookings.recovered(OTHER, INVOICE, amount, USD),
    "written_off": lambda amount: bookings.written_off(INVOICE, amount, USD),
}


@pytest.mark.parametrize("kind", BOOKINGS)
@given(amount=amounts)
def test_a_booking_is_balanced_and_of_its_kind(kind: str, amount: int) -> None:
    booking = BOOKINGS[kind](amount)

    assert booking.kind == kind
    assert sum(entry.amount for entry in booking.entries) == 0


def test_credit_that_was_paid_for_and_spent_leaves_money_and_revenue() -> None:
    entries = [
        entry
        for booking in (
            bookings.topped_up(OTHER, GRANT, 100, USD),
            bookings.invoiced(INVOICE, net=75, taxes=15, currency=USD),
            bookings.spent(INVOICE, {GRANT: 90}, USD),
            bookings.expired(GRANT, 10, USD, was_free=False),
        )
        if booking is not None
        for entry in booking.entries
    ]
    sums = {account: sum(entry.amount for entry in entries if entry.account is account) for account in Account}

    assert {account: amount for account, amount in sums.items() if amount} == {
        Account.CASH: 100,
        Account.REVENUE: -75,
        Account.TAXES: -15,
        Account.BREAKAGE: -10,
    }


def test_what_was_given_away_and_nobody_spent_cost_nothing() -> None:
    entries = [
        *bookings.promoted(GRANT, 100, USD).entries,
        *bookings.expired(GRANT, 100, USD, was_free=True).entries,
    ]

    for account in Account:
        assert sum(entry.amount for entry in entries if entry.account is account) == 0


@given(net=st.integers(-(10**15), 10**15), taxes=st.integers(-(10**14), 10**14))
def test_an_invoice_is_booked_unless_it_comes_to_nothing(net: int, taxes: int) -> None:
    booking = bookings.invoiced(INVOICE, net=net, taxes=taxes, currency=USD)

    if booking is None:
        assert net == taxes == 0
        return
    booked = {entry.account: entry.amount for entry in booking.entries}
    assert booked.get(Account.RECEIVABLE, 0) == net + taxes
    assert booked.get(Account.REVENUE, 0) == -net
    assert booked.get(Account.TAXES, 0) == -taxes


@given(net=amounts, taxes=amounts)
def test_what_is_void_is_booked_as_if_it_had_never_been(net: int, taxes: int) -> None:
    there = bookings.invoiced(INVOICE, net=net, taxes=taxes, currency=USD)
    gone = bookings.voided(INVOICE, net=net, taxes=taxes, currency=USD)

    assert there is not None
    assert gone is not None
    assert gone.kind is Kind.VOIDED
    for one, opposite in zip(there.entries, gone.entries, strict=True):
        assert (one.account, one.subject, one.amount) == (opposite.account, opposite.subject, -opposite.amount)


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([Entry(account=Account.CASH, amount=1), Entry(account=Account.REVENUE, amount=-2)], "add up to -1"),
        ([Entry(account=Account.CASH, amount=1)], "at least 2"),
    ],
)
def test_what_does_not_add_up_is_no_booking(entries: list[Entry], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Booking(kind=Kind.PAID, reference=INVOICE, currency=USD, entries=tuple(entries))


@pytest.mark.parametrize(
    ("account", "subject", "amount", "complaint"),
    [
        (Account.CASH, INVOICE, 1, "have a subject"),
        (Account.CREDIT, None, 1, "have a subject"),
        (Account.CASH, None, 0, "nothing is not booked"),
    ],
)
def test_an_entry_says_what_of(account: Account, subject: UUID | None, amount: int, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Entry(account=account, subject=subject, amount=amount)
