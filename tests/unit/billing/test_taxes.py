"""Taxes on a line."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.taxes import UNTAXED, Taxation, TaxBehavior, TaxRate, taxed
from llmo_core.currencies import Currency
from tests.unit.billing.strategies import currencies, taxations

increments = st.integers(-(10**12), 10**12)


def taxation(behavior: str, *percents: str) -> Taxation:
    rates = [TaxRate(code=f"t{number}", name="Tax", percent=Decimal(rate)) for number, rate in enumerate(percents)]
    return Taxation(behavior=TaxBehavior(behavior), rates=tuple(rates))


@given(increments, taxations(), currencies)
def test_net_and_taxes_are_exactly_the_gross_amount(number: int, given_taxation: Taxation, currency: Currency) -> None:
    amount = number * currency.increment
    result = taxed(amount, given_taxation, currency)

    assert result.net + sum(tax.amount for tax in result.taxes) == result.gross
    assert amount == (result.gross if given_taxation.behavior is TaxBehavior.INCLUSIVE else result.net)
    assert all(part % currency.increment == 0 for part in (result.net, *(tax.amount for tax in result.taxes)))


@given(increments, taxations(), currencies)
def test_every_tax_is_within_one_increment_of_its_rate(
    number: int, given_taxation: Taxation, currency: Currency
) -> None:
    amount = number * currency.increment
    result = taxed(amount, given_taxation, currency)
    all_rates = sum((Fraction(rate.percent) / 100 for rate in given_taxation.rates), Fraction())
    inclusive = given_taxation.behavior is TaxBehavior.INCLUSIVE
    net = Fraction(amount) / (1 + all_rates) if inclusive else Fraction(amount)

    assert abs(result.net - net) * 2 <= currency.increment
    for tax in result.taxes:
        assert abs(tax.amount - net * Fraction(tax.percent) / 100) < currency.increment


@given(increments, taxations(), currencies)
def test_a_credit_has_the_taxes_of_what_it_credits(number: int, given_taxation: Taxation, currency: Currency) -> None:
    charged = taxed(number * currency.increment, given_taxation, currency)
    credited = taxed(-number * currency.increment, given_taxation, currency)

    assert credited.net == -charged.net
    assert [tax.amount for tax in credited.taxes] == [-tax.amount for tax in charged.taxes]
    assert credited.gross == -charged.gross


@given(increments, taxations(), currencies)
def test_a_rate_of_nothing_taxes_nothing(number: int, given_taxation: Taxation, currency: Currency) -> None:
    free = TaxRate(code="free", name="Exempt", percent=Decimal(0))
    result = taxed(
        number * currency.increment,
        Taxation(behavior=given_taxation.behavior, rates=(free, *given_taxation.rates)),
        currency,
    )

    assert result.taxes[0].amount == 0


@pytest.mark.parametrize(
    ("amount", "tax", "currency", "net", "taxes"),
    [
        (1000, taxation("exclusive", "19"), "EUR", 1000, [190]),
        (1190, taxation("inclusive", "19"), "EUR", 1000, [190]),
        (250, taxation("exclusive", "1"), "USD", 250, [2]),  # 2.5 goes to the even 2
        (350, taxation("exclusive", "1"), "USD", 350, [4]),
        (999, taxation("exclusive", "5", "9.975"), "CAD", 999, [50, 100]),
        (1149, taxation("inclusive", "5", "9.975"), "CAD", 999, [50, 100]),
        (100, taxation("inclusive", "10", "10"), "USD", 83, [9, 8]),  # the first of equals gets the odd cent
        (-100, taxation("inclusive", "10", "10"), "USD", -83, [-9, -8]),
        (1000, taxation("exclusive", "10"), "JPY", 1000, [100]),
        (5120, taxation("exclusive", "5"), "KWD", 5120, [260]),
        (5120, taxation("inclusive", "5"), "KWD", 4880, [240]),
        (1234, UNTAXED, "USD", 1234, []),
        (1234, taxation("inclusive"), "USD", 1234, []),
    ],
)
def test_taxes_as_one_would_expect_them(amount: int, tax: Taxation, currency: str, net: int, taxes: list[int]) -> None:
    result = taxed(amount, tax, Currency(currency))

    assert (result.net, [part.amount for part in result.taxes]) == (net, taxes)


def test_a_rate_is_on_a_line_once() -> None:
    rate = TaxRate(code="vat", name="VAT", percent=Decimal(19))

    with pytest.raises(ValidationError, match="once"):
        Taxation(rates=(rate, rate))
