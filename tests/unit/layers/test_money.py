from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.money import decimal_text, dollars_text, from_pico, to_pico

picos = st.integers(-(2**63), 2**63 - 1)


@given(picos)
def test_pico_dollars_survive_as_dollars_and_as_text(pico: int) -> None:
    assert to_pico(from_pico(pico)) == pico
    assert to_pico(Decimal(dollars_text(pico))) == pico
    assert decimal_text(from_pico(pico)) == dollars_text(pico)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=0, max_value=1000))
def test_a_fraction_of_a_pico_dollar_is_never_given_away(dollars: Decimal) -> None:
    assert 0 <= from_pico(to_pico(dollars)) - dollars < Decimal("1e-12")


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimal_text_is_exact_and_plain(amount: Decimal) -> None:
    text = decimal_text(amount)

    assert Decimal(text) == amount
    assert "E" not in text
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (0, "0"),
        (1, "0.000000000001"),
        (19_500_000, "0.0000195"),
        (10**12, "1"),
        (-(10**11), "-0.1"),
        (1_000_000 * 10**12, "1000000"),
    ],
)
def test_text_has_no_exponent_and_no_trailing_zeros(pico: int, text: str) -> None:
    assert dollars_text(pico) == text


@pytest.mark.parametrize("amount", ["0", "-0", "0E-12", "-0.00", "0E+3"])
def test_zero_is_one_character(amount: str) -> None:
    assert decimal_text(Decimal(amount)) == "0"
