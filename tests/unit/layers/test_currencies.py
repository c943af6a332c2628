from decimal import Decimal

import pytest

from llmo_core.currencies import Currency


@pytest.mark.parametrize(
    ("code", "exponent", "increment"), [("USD", 2, 1), ("EUR", 2, 1), ("JPY", 0, 1), ("KWD", 3, 10), ("TND", 3, 10)]
)
def test_a_currency_says_how_finely_it_is_charged(code: str, exponent: int, increment: int) -> None:
    assert (Currency(code).exponent, Currency(code).increment) == (exponent, increment)


def test_the_smallest_charge_of_every_currency_is_a_hundredth_or_a_whole_unit() -> None:
    smallest = {Decimal(currency.increment).scaleb(-currency.exponent) for currency in Currency}

    assert smallest == {Decimal(1), Decimal("0.01")}


@pytest.mark.parametrize("code", ["ISK", "UGX", "MGA", "XXX", "usd"])
def test_currencies_of_other_minor_units_at_stripe_are_not_billed_in(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        Currency(code)
