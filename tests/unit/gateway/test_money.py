"""Money text."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from llmo_core.money import dollars_text, from_pico, to_pico


@given(st.integers(-(10**19), 10**19))
def test_pico_dollars_survive_their_text(pico: int) -> None:
    text = dollars_text(pico)
    assert to_pico(Decimal(text)) == pico
    assert Decimal(text) == from_pico(pico)
    assert "E" not in text
    assert "." not in text or not text.endswith("0")


@given(st.decimals(min_value=0, max_value=1000, places=18))
def test_a_fraction_of_a_pico_dollar_is_rounded_up(dollars: Decimal) -> None:
    assert 0 <= from_pico(to_pico(dollars)) - dollars < Decimal("1e-12")
