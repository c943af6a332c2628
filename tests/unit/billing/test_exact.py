"""Amounts are exact, and rounded once, whatever the process thinks of decimals."""

from decimal import Decimal, Inexact, getcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.exact import AmountTooLarge, difference, minor_units, percent, product, total, whole_parts
from llmo_core.currencies import Currency
from tests.unit.billing.strategies import currencies, decimal

numbers = st.builds(decimal, st.integers(-(10**25), 10**25), st.integers(0, 12))
positive = st.builds(decimal, st.integers(1, 10**20), st.integers(0, 12))


def test_these_tests_run_in_a_context_that_would_spoil_amounts() -> None:
    assert getcontext().prec == 2
    assert Decimal("1.05") + Decimal("0.01") == Decimal("1.1")


@given(st.lists(numbers, min_size=1, max_size=4))
def test_products_and_sums_are_those_of_fractions(given_numbers: list[Decimal]) -> None:
    expected = Fraction(1)
    for number in given_numbers:
        expected *= Fraction(number)

    assert Fraction(product(*given_numbers)) == expected
    assert Fraction(total(given_numbers)) == sum(map(Fraction, given_numbers))


@given(numbers, numbers)
def test_differences_and_percentages_are_those_of_fractions(one: Decimal, other: Decimal) -> None:
    assert Fraction(difference(one, other)) == Fraction(one) - Fraction(other)
    assert Fraction(percent(one)) == Fraction(one) / 100


@given(positive, positive)
def test_the_last_part_may_be_started_only(quantity: Decimal, size: Decimal) -> None:
    parts = whole_parts(quantity, size)

    assert (parts - 1) * Fraction(size) < Fraction(quantity) <= parts * Fraction(size)


def test_what_cannot_be_kept_exactly_is_refused_instead_of_rounded() -> None:
    with pytest.raises(Inexact):
        total((Decimal("1E+500"), Decimal(1)))


@given(
    st.builds(
        decimal, st.integers(-(10**18), 10**18), st.integers(9, 12)
    ),  # 400 times it can be billed in any currency
    currencies,
    st.integers(0, 400),
    st.integers(1, 400),
)
def test_amounts_are_rounded_half_to_even_to_what_can_be_charged(
    amount: Decimal, currency: Currency, days: int, of: int
) -> None:
    rounded = minor_units(amount, currency, numerator=days, denominator=of)
    exact = Fraction(amount) * days / of * 10**currency.exponent

    assert rounded == round(exact / currency.increment) * currency.increment
    assert minor_units(amount.copy_negate(), currency, numerator=days, denominator=of) == -rounded


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "USD", 0),
        ("0.015", "USD", 2),
        ("0.025", "USD", 2),
        ("-0.025", "USD", -2),
        ("0.0250000000001", "USD", 3),
        ("2.5", "JPY", 2),
        ("3.5", "JPY", 4),
        ("5.124", "KWD", 5120),
        ("5.125", "KWD", 5120),
        ("5.126", "KWD", 5130),
        ("5.135", "KWD", 5140),
    ],
)
def test_halves_go_to_the_even_neighbour(amount: str, currency: str, rounded: int) -> None:
    assert minor_units(Decimal(amount), Currency(currency)) == rounded


def test_an_amount_that_no_store_would_hold_is_refused() -> None:
    assert minor_units(Decimal(10**13), Currency.USD) == 10**15
    with pytest.raises(AmountTooLarge):
        minor_units(Decimal("10000000000000.01"), Currency.USD)
