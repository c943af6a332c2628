"""What a meter will have counted at the end of a stretch of time, if it goes on as it did."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from billing.exact import decimal_of
from billing.fields import LARGEST_QUANTITY, MOST_DECIMALS
from billing.metering.meters import Aggregation
from billing.periods import Period

_MICROSECOND: Final = timedelta(microseconds=1)


def projected(aggregation: Aggregation, quantity: Decimal, stretch: Period, now: datetime) -> Decimal:
    """The quantity at the end of a stretch of which so much was counted until now.

    Sums and counts grow in proportion to the time, rounded half to even to twelve places, to the largest quantity that
    has a price; they stay what they are before the stretch has begun and once it is over. The largest, and how many
    different ones there are, stay: how they will grow cannot be told from how they did.
    """
    if aggregation not in {Aggregation.SUM, Aggregation.COUNT} or not stretch.start < now < stretch.end:
        return quantity
    above, below = quantity.as_integer_ratio()
    whole, elapsed = ((end - stretch.start) // _MICROSECOND for end in (stretch.end, now))
    at_end = decimal_of(_nearest(above * whole * 10**MOST_DECIMALS, below * elapsed), MOST_DECIMALS)
    return max(quantity, min(at_end, Decimal(LARGEST_QUANTITY)))


def _nearest(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))
