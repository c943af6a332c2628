"""Shares of a period's days, and when a change takes effect."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.periods import BillingCycle, Cadence, Interval, Period, day_of
from billing.pricing.plans import PlanVersion
from billing.proration import (
    WHOLE,
    CurrenciesDiffer,
    OutsidePeriod,
    Share,
    Subscribed,
    TakesEffect,
    days,
    prorated,
    share_at,
    share_from,
    stretches,
    takes_effect,
)
from tests.unit.billing.strategies import cycles, quantities

INSTANT = timedelta(microseconds=1)
BERLIN = BillingCycle(starts_on=date(2026, 3, 15), time_zone="Europe/Berlin", cadence=Cadence(interval=Interval.MONTH))


def subscribed(fee: str, seats: int = 1, *, per_seat: str = "10", currency: str = "USD", years: int = 0) -> Subscribed:
    cadence = {"interval": "year", "count": years} if years else {"interval": "month"}
    charges: list[dict[str, Any]] = [
        {"code": "fee", "name": "Fee", "basis": "recurring", "price": {"kind": "flat", "amount": fee}},
        {"code": "seats", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": per_seat}},
    ]
    plan = PlanVersion.model_validate({"currency": currency, "cadence": cadence, "charges": charges})
    return Subscribed(plan=plan, seats=Decimal(seats))


@pytest.mark.parametrize(
    ("day", "left"),
    [
        (date(2026, 3, 15), 31),  # the first day: all of it
        (date(2026, 3, 16), 30),
        (date(2026, 3, 29), 17),  # a day of 23 hours is a day
        (date(2026, 4, 14), 1),  # the last day: that one
    ],
)
def test_the_day_of_a_change_belongs_to_what_is_changed_to(day: date, left: int) -> None:
    assert share_from(BERLIN.period(0), day, "Europe/Berlin") == Share(days=left, of=31)


def test_the_day_is_that_of_the_organization() -> None:
    period = BERLIN.period(0)
    late = datetime(2026, 3, 20, 23, 30, tzinfo=UTC)  # half past midnight in Berlin

    assert share_at(period, late, "Europe/Berlin") == share_from(period, date(2026, 3, 21), "Europe/Berlin")
    assert share_at(period, period.start, "Europe/Berlin") == Share(days=31, of=31)
    assert share_at(period, period.end - INSTANT, "Europe/Berlin") == Share(days=1, of=31)


@pytest.mark.parametrize("day", [date(2026, 3, 14), date(2026, 4, 15)])
def test_a_change_lies_in_its_period(day: date) -> None:
    with pytest.raises(OutsidePeriod):
        share_from(BERLIN.period(0), day, "Europe/Berlin")


@given(cycles, st.integers(0, 5), st.data())
def test_the_stretches_between_changes_are_the_whole_period(
    given_cycle: BillingCycle, number: int, data: st.DataObject
) -> None:
    period, zone = given_cycle.period(number), given_cycle.time_zone
    first, length = day_of(period.start, zone), days(period, zone)
    changes = sorted(data.draw(st.sets(st.integers(0, length - 1), max_size=4)))

    shares = [share_from(period, first + timedelta(days=offset), zone) for offset in changes]
    left = [Fraction(1), *(Fraction(share.days, share.of) for share in shares), Fraction(0)]

    assert all(share.of == length for share in shares)
    assert [share.days for share in shares] == [length - offset for offset in changes]
    assert sum(before - after for before, after in pairwise(left)) == 1


@given(cycles, st.integers(0, 5))
def test_a_change_at_the_very_start_shares_out_everything(given_cycle: BillingCycle, number: int) -> None:
    period, zone = given_cycle.period(number), given_cycle.time_zone

    share = share_at(period, period.start, zone)

    assert share.days == share.of == days(period, zone)


@given(cycles, st.integers(0, 5), st.data())
def test_every_day_of_a_period_is_in_one_of_its_stretches(
    given_cycle: BillingCycle, number: int, data: st.DataObject
) -> None:
    period, zone = given_cycle.period(number), given_cycle.time_zone
    first, length = day_of(period.start, zone), days(period, zone)
    offsets = data.draw(st.lists(st.integers(0, length - 1), max_size=4))

    parts = stretches(period, [first + timedelta(days=offset) for offset in offsets], zone)

    assert (parts[0].period.start, parts[-1].period.end) == (period.start, period.end)
    assert all(earlier.period.end == later.period.start for earlier, later in pairwise(parts))
    assert sum(part.share.days for part in parts) == length
    assert {part.share.of for part in parts} == {length}
    assert len(parts) == len({0, *offsets})


def test_a_change_on_the_first_day_leaves_nothing_before_it() -> None:
    (only,) = stretches(BERLIN.period(0), [date(2026, 3, 15)], "Europe/Berlin")
    before, after = stretches(BERLIN.period(0), [date(2026, 4, 14), date(2026, 4, 14)], "Europe/Berlin")

    assert only.period == BERLIN.period(0)
    assert (before.share.days, after.share.days) == (30, 1)
    assert after.period.start == datetime(2026, 4, 13, 22, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 3, 14), date(2026, 4, 15)])
def test_a_period_is_stretched_by_nothing_outside_it(day: date) -> None:
    with pytest.raises(OutsidePeriod):
        stretches(BERLIN.period(0), [day], "Europe/Berlin")


@given(quantities, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_what_is_included_in_a_period_is_included_in_its_stretches(included: Decimal, lengths: list[int]) -> None:
    shares = [Share(days=length, of=sum(lengths)) for length in lengths]

    excess = sum((Fraction(prorated(included, share)) for share in shares), Fraction()) - Fraction(included)

    assert 0 <= excess < Fraction(len(shares), 10**12)
    assert prorated(included, WHOLE) == included


@pytest.mark.parametrize(("part", "whole"), [(-1, 30), (31, 30), (0, 0), (1, -1)])
def test_a_share_is_no_more_than_all_and_no_less_than_nothing(part: int, whole: int) -> None:
    with pytest.raises(ValidationError):
        Share(days=part, of=whole)


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        (subscribed("20"), subscribed("50"), TakesEffect.NOW),
        (subscribed("50"), subscribed("20"), TakesEffect.AT_PERIOD_END),
        (subscribed("20"), subscribed("20"), TakesEffect.NOW),
        (subscribed("20", 3), subscribed("20", 4), TakesEffect.NOW),
        (subscribed("20", 4), subscribed("20", 3), TakesEffect.AT_PERIOD_END),
        (subscribed("20", 9), subscribed("50", 3), TakesEffect.AT_PERIOD_END),
        # 30 a month against 330 a year, which is 27.50 a month; and against 370.
        (subscribed("20"), subscribed("320", years=1), TakesEffect.AT_PERIOD_END),
        (subscribed("20"), subscribed("360", years=1), TakesEffect.NOW),
        (subscribed("20"), subscribed("710", years=2), TakesEffect.NOW),
        (subscribed("20"), subscribed("709.99", years=2), TakesEffect.AT_PERIOD_END),
    ],
)
def test_what_gets_dearer_takes_effect_at_once_and_what_gets_cheaper_when_the_period_has_ended(
    old: Subscribed, new: Subscribed, effect: TakesEffect
) -> None:
    assert takes_effect(old, new) is effect


def test_a_subscription_keeps_its_currency() -> None:
    with pytest.raises(CurrenciesDiffer):
        takes_effect(subscribed("20"), subscribed("20", currency="EUR"))


def test_a_period_of_another_zone_still_has_whole_days() -> None:
    november = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))

    assert days(november, "America/Los_Angeles") == days(november, "Asia/Tokyo") == 30
