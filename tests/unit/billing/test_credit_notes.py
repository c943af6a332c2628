"""Whatever credit notes are issued: no more is credited than was invoiced, and every cent of it is accounted for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.credit_notes.computing import allocated, credited_lines, unaccounted
from billing.credit_notes.models import (
    CreditNote,
    CreditTooLarge,
    LineWanted,
    NotCreditableAmount,
    NoteReason,
    NoteWanted,
    NothingToCredit,
    Outcome,
    UnknownLine,
)
from billing.invoices.models import Invoice, InvoiceStatus
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import Credit, compute
from billing.invoicing.items import Item, ItemKind
from billing.ledger import bookings
from billing.ledger.bookings import Account, Entry
from billing.pricing.prices import Flat
from billing.taxes import UNTAXED, Taxation, TaxBehavior, TaxRate
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, Invalid
from llmo_core.ids import new_id
from tests.unit.billing.strategies import PERIOD, decimal, taxations

NOW = datetime(2027, 2, 1, tzinfo=UTC)
VAT = Taxation(rates=(TaxRate(code="vat", name="VAT", percent=Decimal(19)),))
REFUSED = (Conflict, Invalid)


def item(amount: Decimal, taxation: Taxation = UNTAXED, kind: ItemKind = ItemKind.ADVANCE) -> Item:
    return Item(
        kind=kind,
        code="base",
        name="Base fee",
        meter=None,
        period=PERIOD,
        price=Flat(amount=amount),
        quantity=Decimal(1),
        included=Decimal(0),
        taxation=taxation,
    )


def invoice_of(*items: Item, currency: Currency = Currency.USD, credit: Sequence[int] = (), paid: int = 0) -> Invoice:
    """A finalized invoice that took these credits, and for which so much of the rest was paid."""
    offered = [Credit(id=str(new_id()), available=amount) for amount in credit]
    breakdown = Breakdown.of(compute(currency, items, offered))
    draft = Invoice(
        id=new_id(), org_id=new_id(), subscription_id=None, breakdown=breakdown, period=PERIOD, created_at=NOW
    )
    numbered = draft.numbered(1, NOW, NOW)
    paid = min(paid, numbered.remaining)
    after = numbered.model_copy(update={"amount_paid": paid})
    return after.model_copy(update={"status": InvoiceStatus.PAID}) if not after.remaining else after


class Office:
    """Issues notes of an invoice, and books them, with nothing around it."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        self.notes: list[CreditNote] = []
        self.gone = 0
        said = invoice.breakdown
        self.entries: list[Entry] = []
        self._book(
            bookings.invoiced(
                invoice.id, net=said.subtotal, taxes=said.total - said.subtotal, currency=invoice.currency
            )
        )
        if invoice.taken_credit:
            self._book(bookings.spent(invoice.id, invoice.taken_credit, invoice.currency))
        if invoice.amount_paid:
            self._book(bookings.paid(new_id(), invoice.id, invoice.amount_paid, invoice.currency))

    def credit(self, *lines: LineWanted, outcome: Outcome = Outcome.CREDIT) -> CreditNote:
        """Issue a note of these lines, or of all that is left."""
        invoice, currency = self.invoice, self.invoice.currency
        wanted = NoteWanted(lines=lines or None, outcome=outcome)
        credited = credited_lines(invoice, self.notes, wanted)
        total = sum(line.gross for line in credited)
        refundable = max(unaccounted(invoice, self.notes) - self.gone, 0)
        given = allocated(total, invoice, self.notes, gone=self.gone, refundable=refundable, outcome=outcome)
        note = CreditNote(
            id=new_id(),
            org_id=invoice.org_id,
            invoice_id=invoice.id,
            sequence=len(self.notes) + 1,
            number="CN",
            currency=currency,
            reason=NoteReason.OTHER,
            memo="",
            outcome=outcome,
            lines=credited,
            total=total,
            allocation=given,
            refund_id=None,
            issuer=None,
            customer=None,
            request_key=None,
            request_hash="",
            created_by=None,
            issued_at=NOW,
        )
        self.notes.append(note)
        self.gone -= given.returned
        net = note.subtotal
        back = given.returned + given.refunded
        self._book(bookings.credited(note.id, invoice.id, net=net, taxes=total - net, back=back, currency=currency))
        if given.granted:
            owed = Entry(account=Account.RECEIVABLE, subject=invoice.id, amount=given.granted)
            self._book(bookings.returned(note.id, owed, {new_id(): given.granted}, currency))
        if given.refunded:
            self._book(bookings.refunded(new_id(), invoice.id, given.refunded, currency))
        changes = {"amount_deducted": invoice.amount_deducted + given.deducted}
        self.invoice = invoice.model_copy(update=changes)
        return note

    def refund(self, amount: int) -> None:
        """Give so much back without a note, of what no note says anything of."""
        amount = min(amount, unaccounted(self.invoice, self.notes) - self.gone)
        if amount > 0:
            self.gone += amount
            self._book(bookings.refunded(new_id(), self.invoice.id, amount, self.invoice.currency))

    def balance(self, account: Account) -> int:
        """What an account comes to."""
        return sum(entry.amount for entry in self.entries if entry.account is account)

    def _book(self, booking: bookings.Booking | None) -> None:
        if booking is not None:
            self.entries += booking.entries

    def require_in_order(self) -> None:
        """What must be so whatever has happened."""
        invoice, said = self.invoice, self.invoice.breakdown
        assert sum(entry.amount for entry in self.entries) == 0
        assert self.balance(Account.RECEIVABLE) == invoice.remaining - said.owed
        assert self.balance(Account.REFUNDS) == self.gone >= 0
        assert sum(note.total for note in self.notes) <= max(said.total, 0)
        credit = {str(grant): amount for grant, amount in invoice.taken_credit.items()}
        for note in self.notes:
            given = note.allocation
            assert given.deducted + given.returned + given.refunded + given.granted == note.total > 0
            assert min(given.deducted, given.returned, given.refunded, given.granted, given.by_money) >= 0
            for restored in given.restored:
                credit[restored.id] -= restored.amount
        assert min(credit.values(), default=0) >= 0
        said_of = [note.allocation for note in self.notes]
        assert sum(each.returned + each.refunded + each.by_money for each in said_of) <= invoice.amount_paid
        for number, line in enumerate(said.lines):
            credited = [each for note in self.notes for each in note.lines if each.line == number]
            assert abs(sum(each.net for each in credited)) <= abs(line.net)
            assert abs(sum(each.gross for each in credited)) <= abs(line.gross)
            for position, tax in enumerate(line.taxes):
                assert abs(sum(each.taxes[position].amount for each in credited)) <= abs(tax.amount)


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    currency = draw(st.sampled_from([Currency.USD, Currency.JPY, Currency.KWD]))
    taxation = draw(taxations())
    kinds = st.sampled_from([ItemKind.ADVANCE, ItemKind.ADVANCE, ItemKind.UNUSED])
    amounts = st.integers(0, 3000).map(lambda cents: decimal(cents * currency.increment, currency.exponent))
    items = draw(st.lists(st.tuples(amounts, kinds), min_size=1, max_size=4))
    made = invoice_of(
        *(item(amount, taxation, kind) for amount, kind in items),
        currency=currency,
        credit=draw(st.lists(st.integers(1, 1500).map(lambda cents: cents * currency.increment), max_size=3)),
    )
    part = draw(st.sampled_from([0, 1, 2]))
    paid = made.remaining * part // 2 // currency.increment * currency.increment
    after = made.model_copy(update={"amount_paid": paid})
    return after if after.remaining else after.model_copy(update={"status": InvoiceStatus.PAID})


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(0, 4), st.integers(1, 2000), st.sampled_from(Outcome)),
        st.tuples(st.just("rest"), st.integers(0, 3), st.none(), st.sampled_from(Outcome)),
        st.tuples(st.just("refund"), st.integers(1, 900), st.none(), st.none()),
    ),
    max_size=8,
)


@given(invoice=invoices(), steps=STEPS)
def test_no_sequence_of_notes_and_refunds_loses_or_makes_a_cent(
    invoice: Invoice, steps: list[tuple[str, int, int | None, Any]]
) -> None:
    office, step = Office(invoice), invoice.currency.increment
    for what, number, amount, outcome in steps:
        if what == "refund":
            office.refund(number * step)
            continue
        wanted = LineWanted(line=number, amount=amount * step if amount is not None else None)
        before = office.notes[:]
        try:
            office.credit(wanted, outcome=outcome)
        except REFUSED:
            assert office.notes == before
        office.require_in_order()


@given(invoice=invoices(), steps=STEPS)
def test_whoever_credits_the_rest_credits_all_of_it(invoice: Invoice, steps: list[Any]) -> None:
    assume(invoice.breakdown.total > 0)
    office, step = Office(invoice), invoice.currency.increment
    for what, number, amount, outcome in steps:
        if what == "credit" and number < len(invoice.breakdown.lines):
            try:
                office.credit(LineWanted(line=number, amount=amount * step), outcome=outcome)
            except REFUSED:
                continue
    if sum(note.total for note in office.notes) < invoice.breakdown.total:
        office.credit()

    office.require_in_order()
    assert sum(note.total for note in office.notes) == invoice.breakdown.total
    assert office.invoice.remaining == 0
    assert office.balance(Account.RECEIVABLE) == 0
    assert office.balance(Account.REVENUE) + office.balance(Account.TAXES) == 0
    if all(line.net >= 0 for line in invoice.breakdown.lines):
        assert office.balance(Account.TAXES) == 0
    with pytest.raises((NothingToCredit, CreditTooLarge)):
        office.credit()


@pytest.mark.parametrize(
    ("behavior", "amounts", "nets", "taxes"),
    [
        (TaxBehavior.EXCLUSIVE, (333, 333, None), (333, 333, 334), (63, 63, 64)),
        (TaxBehavior.EXCLUSIVE, (999, None), (999, 1), (190, 0)),
        (TaxBehavior.INCLUSIVE, (420, None), (420, 420), (80, 80)),
    ],
)
def test_taxes_are_credited_with_what_they_are_of(
    behavior: TaxBehavior, amounts: Sequence[int | None], nets: Sequence[int], taxes: Sequence[int]
) -> None:
    office = Office(invoice_of(item(Decimal(10), VAT.model_copy(update={"behavior": behavior}))))
    notes = [office.credit(LineWanted(line=0, amount=amount)) for amount in amounts]

    assert [note.subtotal for note in notes] == list(nets)
    assert [note.total - note.subtotal for note in notes] == list(taxes)
    assert [line.taxes[0].code for note in notes for line in note.lines] == ["vat"] * len(notes)


def test_many_roundings_up_never_credit_more_tax_than_there_was() -> None:
    high = Taxation(rates=(TaxRate(code="levy", name="Levy", percent=Decimal("62.5")),))
    office = Office(invoice_of(item(Decimal("0.08"), high)))
    notes = [office.credit(LineWanted(line=0, amount=1)) for _ in range(8)]

    assert [note.total - note.subtotal for note in notes] == [1, 1, 1, 1, 1, 0, 0, 0]


def test_what_is_to_be_paid_is_lessened_before_anything_goes_back() -> None:
    office = Office(invoice_of(item(Decimal(20)), credit=(500,), paid=700))
    given = office.credit(LineWanted(line=0, amount=1200), outcome=Outcome.REFUND).allocation

    assert (given.deducted, given.refunded, given.granted) == (800, 400, 0)


def test_credit_is_given_back_last_and_what_was_taken_last_first() -> None:
    invoice = invoice_of(item(Decimal(20)), credit=(500, 300), paid=1200)
    office = Office(invoice)
    first = office.credit(LineWanted(line=0, amount=1300)).allocation
    second = office.credit().allocation

    assert (first.by_money, first.granted) == (1200, 1300)
    taken = [credit.id for credit in invoice.breakdown.credits]
    assert [(each.id, each.amount) for each in first.restored] == [(taken[1], 100)]
    assert [(each.id, each.amount) for each in second.restored] == [(taken[1], 200), (taken[0], 500)]


def test_what_was_refunded_without_a_note_is_not_given_back_again() -> None:
    office = Office(invoice_of(item(Decimal(20)), paid=2000))
    office.refund(800)
    given = office.credit(outcome=Outcome.REFUND).allocation

    assert (given.returned, given.refunded, given.granted) == (800, 1200, 0)
    assert office.balance(Account.REFUNDS) == office.balance(Account.CASH) == 0


def test_days_that_were_not_used_are_credited_wholly_or_not_at_all() -> None:
    office = Office(invoice_of(item(Decimal(20)), item(Decimal(5), kind=ItemKind.UNUSED)))
    with pytest.raises(NotCreditableAmount):
        office.credit(LineWanted(line=1, amount=100))
    with pytest.raises(NothingToCredit):
        office.credit(LineWanted(line=1))
    with pytest.raises(CreditTooLarge):
        office.credit(LineWanted(line=0))

    assert [line.net for line in office.credit().lines] == [2000, -500]


@pytest.mark.parametrize(
    ("line", "amount", "error"),
    [(1, None, UnknownLine), (0, 2001, CreditTooLarge), (0, 10**15, CreditTooLarge)],
)
def test_what_was_not_invoiced_is_not_credited(line: int, amount: int | None, error: type[Exception]) -> None:
    office = Office(invoice_of(item(Decimal(20))))
    with pytest.raises(error):
        office.credit(LineWanted(line=line, amount=amount))


def test_dinars_are_credited_in_steps_that_can_be_charged() -> None:
    office = Office(invoice_of(item(Decimal(20), VAT), currency=Currency.KWD))
    with pytest.raises(NotCreditableAmount):
        office.credit(LineWanted(line=0, amount=5))

    assert office.credit(LineWanted(line=0, amount=10)).total == 10


@pytest.mark.parametrize("amount", [0, -1, 10**15 + 1])
def test_an_amount_is_more_than_nothing_and_less_than_anything_billed(amount: int) -> None:
    with pytest.raises(ValidationError):
        LineWanted(line=0, amount=amount)


def test_a_line_is_in_a_note_once() -> None:
    with pytest.raises(ValidationError, match="once"):
        NoteWanted(lines=(LineWanted(line=0, amount=1), LineWanted(line=0, amount=2)))
