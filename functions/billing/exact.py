"""Exact arithmetic: amounts are decimals of any length until a line of an invoice rounds them, once.

Decimal's operators round to whatever context the process has; these functions do not look at it, and raise
`decimal.Inexact` instead of rounding.
"""

from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

from llmo_core.currencies import Currency
from llmo_core.errors import Invalid

# The longest product is quantity x (1 + markup) x exchange rate: 110 digits. Nothing is rounded below that.
_EXACT: Final = Context(prec=400, Emax=999, Emin=-999, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])

MOST_MINOR_UNITS: Final = 10**15
"""No amount is larger, so that JSON's numbers (2^53) and PostgreSQL's BIGINT hold it."""


class AmountTooLarge(Invalid):
    """The amount is larger than anything that can be billed."""


def product(*factors: Decimal) -> Decimal:
    """The exact product."""
    result = Decimal(1)
    for factor in factors:
        result = _EXACT.multiply(result, factor)
    return result


def total(summands: Iterable[Decimal]) -> Decimal:
    """The exact sum; 0 of nothing."""
    result = Decimal(0)
    for summand in summands:
        result = _EXACT.add(result, summand)
    return result


def difference(minuend: Decimal, subtrahend: Decimal) -> Decimal:
    """The exact difference."""
    return _EXACT.subtract(minuend, subtrahend)


def percent(points: Decimal) -> Decimal:
    """So many percent, as a factor: 0.05 for 5."""
    return _EXACT.scaleb(points, -2)


def decimal_of(integer: int, places: int) -> Decimal:
    """An integer with so many of its digits behind the point."""
    return _EXACT.scaleb(Decimal(integer), -places)


def whole_parts(quantity: Decimal, size: Decimal) -> int:
    """How many parts of this size a quantity takes, the last of which may be started only."""
    quantity_above, quantity_below = quantity.as_integer_ratio()
    size_above, size_below = size.as_integer_ratio()
    return -(-quantity_above * size_below // (quantity_below * size_above))


def minor_units(amount: Decimal, currency: Currency, *, numerator: int = 1, denominator: int = 1) -> int:
    """An amount in units of the currency, times a fraction, in minor units: the one rounding there is.

    Rounds half to even, to a multiple of the currency's increment. Raises AmountTooLarge.
    """
    above, below = amount.as_integer_ratio()
    rounded = nearest(above * 10**currency.exponent * numerator, below * denominator, currency)
    if abs(rounded) > MOST_MINOR_UNITS:
        raise AmountTooLarge
    return rounded


def nearest(numerator: int, denominator: int, currency: Currency) -> int:
    """A fraction of minor units, rounded half to even to a multiple of the currency's increment."""
    step = denominator * currency.increment
    steps, rest = divmod(numerator, step)
    if 2 * rest > step or (2 * rest == step and steps % 2 == 1):
        steps += 1
    return steps * currency.increment
