"""Money: exact decimals, never floats.

Costs of tokens are far below a cent, so they are counted in pico-dollars (10^-12 USD): an integer that Redis can add
exactly (64 bits hold 9.2 million dollars) and that PostgreSQL's NUMERIC(20, 12) stores without rounding.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import PlainSerializer

PICO_PER_DOLLAR = 10**12


def decimal_text(amount: Decimal) -> str:
    """An amount as plain decimal text, exactly, without exponent or trailing zeros: `0.0000195`; zero is `0`."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


type Usd = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str, when_used="json")]
"""Dollars that JSON carries as decimal text."""


def to_pico(dollars: Decimal) -> int:
    """Dollars as whole pico-dollars, rounded up: a fraction of a pico-dollar is never given away."""
    return int((dollars * PICO_PER_DOLLAR).to_integral_value(rounding=ROUND_CEILING))


def from_pico(pico: int) -> Decimal:
    """Pico-dollars as dollars with twelve decimal places."""
    return Decimal(pico).scaleb(-12)


def dollars_text(pico: int) -> str:
    """Pico-dollars as plain decimal text without trailing zeros: `0.0000195`; zero is `0`."""
    if pico == 0:
        return "0"
    sign, whole = ("-", -pico) if pico < 0 else ("", pico)
    fraction = f"{whole % PICO_PER_DOLLAR:012d}".rstrip("0")
    return f"{sign}{whole // PICO_PER_DOLLAR}{'.' + fraction if fraction else ''}"
