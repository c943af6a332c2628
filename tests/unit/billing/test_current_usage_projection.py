"""What a period will have come to at its end, if it goes on as it did."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.current_usage.projecting import projected
from billing.metering.meters import Aggregation
from billing.periods import Period
from tests.unit.billing.strategies import PERIOD, decimals

GROWING = st.sampled_from([Aggregation.SUM, Aggregation.COUNT])
seconds = st.integers(3600, 29 * 86400)


@given(GROWING, decimals(10**9), seconds)
def test_what_adds_up_grows_in_proportion_to_the_time(aggregation: Aggregation, quantity: Decimal, after: int) -> None:
    now = PERIOD.start + timedelta(seconds=after)
    at_end = Fraction(projected(aggregation, quantity, PERIOD, now))
    exactly = Fraction(quantity) * Fraction(30 * 86400, after)
    assert abs(at_end - exactly) <= Fraction(1, 2 * 10**12)
    assert at_end >= quantity


@given(st.sampled_from(Aggregation), decimals(10**9), st.sampled_from([PERIOD.start, PERIOD.end]), st.integers(0, 10))
def test_before_the_beginning_and_after_the_end_there_is_nothing_to_project(
    aggregation: Aggregation, quantity: Decimal, edge: datetime, days: int
) -> None:
    now = edge - timedelta(days=days) if edge == PERIOD.start else edge + timedelta(days=days)
    assert projected(aggregation, quantity, PERIOD, now) == quantity


@pytest.mark.parametrize("aggregation", [Aggregation.MAX, Aggregation.UNIQUE])
def test_the_largest_and_the_different_ones_stay(aggregation: Aggregation) -> None:
    assert projected(aggregation, Decimal(7), PERIOD, PERIOD.start + timedelta(days=1)) == 7


def test_a_third_of_the_time_is_a_third_of_the_usage() -> None:
    stretch = Period(start=PERIOD.start, end=PERIOD.start + timedelta(days=3))
    now = PERIOD.start + timedelta(days=1)
    assert projected(Aggregation.SUM, Decimal("0.1"), stretch, now) == Decimal("0.3")
    assert projected(Aggregation.COUNT, Decimal(1), stretch, now + timedelta(days=1)) == Decimal("1.5")


def test_no_projection_is_larger_than_what_has_a_price() -> None:
    now = PERIOD.start + timedelta(seconds=1)
    assert projected(Aggregation.SUM, Decimal(10**15), PERIOD, now) == 10**18
    assert projected(Aggregation.SUM, Decimal(10**19), PERIOD, now) == 10**19
