"""Whoever pays in advance never spends more than they have paid for, however late it is known what they used."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from billing.exact import decimal_of
from billing.prepaid.models import MOST_DOLLARS, Owed, Prepaid

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
ORG = UUID(int=1)
dollars = st.integers(0, 5 * 10**12).map(lambda pico: Decimal(pico).scaleb(-12))
factors = st.integers(100, 350).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), dollars),
        st.tuples(st.just("grant"), st.integers(1, 800)),
        st.tuples(st.just("learn"), st.integers(0, 5)),
        st.tuples(st.just("announce"), st.none()),
        st.tuples(st.just("invoice"), st.none()),
    ),
    max_size=40,
)


def cents(amount: Fraction) -> int:
    return round(amount * 100)  # half to even


def exactly(amount: Fraction) -> Decimal:
    return decimal_of(int(amount * 10**12), 12)


class World:
    """An organization whose calls are passed on at a markup, its gateway, and billing, which hears of calls later."""

    def __init__(self, factor: Decimal) -> None:
        self.factor = factor
        self.limit = Fraction(0)
        self.spent = Fraction(0)
        self.unknown: list[Fraction] = []
        self.open = Fraction(0)
        self.counted = Fraction(0)
        self.balance = self.bought = self.billed = 0

    def call(self, cost: Fraction) -> None:
        if self.spent + cost <= self.limit:
            self.spent += cost
            self.unknown.append(cost)

    def learn(self, calls: int) -> None:
        known, self.unknown = self.unknown[:calls], self.unknown[calls:]
        self.open += sum(known)
        self.counted += sum(known)

    def announce(self) -> None:
        owed = Owed(amount=cents(self.open * Fraction(self.factor)), slack=1, factor=self.factor)
        prepaid = Prepaid(org_id=ORG, since=SINCE, counted_usd=exactly(self.counted))
        self.limit = Fraction(prepaid.limit(self.balance, owed))

    def invoice(self) -> None:
        amount = cents(self.open * Fraction(self.factor))
        self.billed += amount
        self.balance -= min(amount, self.balance)
        self.open = Fraction(0)

    def grant(self, amount: int) -> None:
        self.balance += amount
        self.bought += amount


HALF_A_CENT = [  # 1.5 cents would be billed as 2
    ("grant", 1),
    ("announce", None),
    ("call", Decimal("0.005")),
    ("learn", 1),
    ("announce", None),
    ("call", Decimal("0.01")),
]


@given(factor=factors, history=steps)
@example(factor=Decimal(1), history=HALF_A_CENT)
def test_no_history_of_grants_calls_and_invoices_bills_more_than_was_bought(
    factor: Decimal, history: list[tuple[str, Decimal | int | None]]
) -> None:
    world = World(factor)
    for what, value in history:
        match what, value:
            case "call", Decimal():
                world.call(Fraction(value))
            case "grant", int():
                world.grant(value)
            case "learn", int():
                world.learn(value)
            case "announce", _:
                world.announce()
            case _:
                world.invoice()
    world.learn(len(world.unknown))
    world.invoice()
    assert world.billed <= world.bought


@given(counted=dollars, balance=st.integers(0, 10**9), amount=st.integers(0, 10**9), factor=factors)
def test_a_limit_is_never_less_than_what_was_spent_and_never_negative(
    counted: Decimal, balance: int, amount: int, factor: Decimal
) -> None:
    limit = Prepaid(org_id=ORG, since=SINCE, counted_usd=counted).limit(balance, Owed(amount=amount, factor=factor))
    assert counted <= limit <= MOST_DOLLARS
    left = Fraction(limit) - Fraction(counted)
    assert left * Fraction(factor) * 100 <= max(balance - amount, 0)


def test_credit_is_worth_what_it_buys_of_calls_at_their_markup() -> None:
    prepaid = Prepaid(org_id=ORG, since=SINCE, counted_usd=Decimal(3))
    assert prepaid.limit(1200, Owed(factor=Decimal("1.2"))) == Decimal(13)
    assert prepaid.limit(1200, Owed(amount=600, factor=Decimal("1.2"))) == Decimal(8)
    assert prepaid.limit(100, Owed(amount=600)) == Decimal(3)
    assert prepaid.limit(1200, Owed(in_dollars=False)) == Decimal(3)
