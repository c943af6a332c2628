"""Billing periods tile time, in the calendar of the organization."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing.periods import BeforeStart, BillingCycle, Cadence, Interval, Period, day_of, midnight
from tests.unit.billing.strategies import cycles

MONTHLY = Cadence(interval=Interval.MONTH)
ANNUAL = Cadence(interval=Interval.YEAR)
INSTANT = timedelta(microseconds=1)
MINUTES_IN_TEN_YEARS = 10 * 366 * 24 * 60


def cycle(starts_on: date, *, cadence: Cadence = MONTHLY, time_zone: str = "UTC", trial_days: int = 0) -> BillingCycle:
    return BillingCycle(starts_on=starts_on, time_zone=time_zone, cadence=cadence, trial_days=trial_days)


def first_days(given_cycle: BillingCycle, number: int) -> list[str]:
    return [f"{day_of(given_cycle.boundary(index), given_cycle.time_zone):%Y-%m-%d}" for index in range(number)]


@given(cycles, st.integers(0, 20))
def test_a_period_ends_where_the_next_one_starts(given_cycle: BillingCycle, number: int) -> None:
    periods = [given_cycle.period(index) for index in range(number, number + 3)]

    for earlier, later in pairwise(periods):
        assert earlier.end == later.start
    trial = given_cycle.trial
    assert trial is None or trial.end == given_cycle.period(0).start


@given(cycles, st.integers(0, MINUTES_IN_TEN_YEARS))
def test_every_moment_is_in_one_period(given_cycle: BillingCycle, minutes: int) -> None:
    moment = midnight(given_cycle.starts_on, given_cycle.time_zone) + timedelta(minutes=minutes)
    period = given_cycle.containing(moment)

    assert moment in period
    assert given_cycle.containing(period.start) == period
    assert given_cycle.containing(period.end - INSTANT) == period
    assert given_cycle.containing(period.end) != period
    assert given_cycle.next_boundary(moment) == period.end


@given(cycles, st.integers(0, 30))
def test_the_number_of_a_period_finds_it_again(given_cycle: BillingCycle, number: int) -> None:
    period = given_cycle.period(number)

    assert given_cycle.number_at(period.start) == given_cycle.number_at(period.end - INSTANT) == number


@given(cycles)
def test_nothing_is_billed_before_the_start(given_cycle: BillingCycle) -> None:
    before = midnight(given_cycle.starts_on, given_cycle.time_zone) - INSTANT

    with pytest.raises(BeforeStart):
        given_cycle.containing(before)


@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)), st.sampled_from(["UTC", "America/Havana", "Asia/Beirut"]))
def test_a_day_begins_when_its_date_first_shows(day: date, time_zone: str) -> None:
    begins = midnight(day, time_zone)

    assert day_of(begins, time_zone) == day
    assert day_of(begins - INSTANT, time_zone) == day - timedelta(days=1)


def test_the_31st_is_the_last_day_of_shorter_months_and_comes_back() -> None:
    assert first_days(cycle(date(2027, 1, 31)), 6) == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
        "2027-06-30",
    ]
    assert first_days(cycle(date(2028, 1, 31)), 3) == ["2028-01-31", "2028-02-29", "2028-03-31"]


def test_a_leap_day_is_the_28th_of_other_years_and_comes_back() -> None:
    assert first_days(cycle(date(2024, 2, 29), cadence=ANNUAL), 5) == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


@pytest.mark.parametrize(
    ("cadence", "days"),
    [
        (Cadence(interval=Interval.MONTH, count=3), ["2026-11-30", "2027-02-28", "2027-05-30"]),
        (Cadence(interval=Interval.MONTH, count=12), ["2026-11-30", "2027-11-30", "2028-11-30"]),
        (Cadence(interval=Interval.YEAR, count=2), ["2026-11-30", "2028-11-30", "2030-11-30"]),
    ],
)
def test_a_period_has_any_number_of_months_or_years(cadence: Cadence, days: list[str]) -> None:
    assert first_days(cycle(date(2026, 11, 30), cadence=cadence), 3) == days


@pytest.mark.parametrize(
    ("time_zone", "starts_on", "start", "end"),
    [
        ("Europe/Berlin", date(2026, 3, 15), "2026-03-14T23:00", "2026-04-14T22:00"),
        ("Europe/Berlin", date(2026, 10, 15), "2026-10-14T22:00", "2026-11-14T23:00"),
        ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15", "2026-01-31T18:15"),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00", "2026-01-31T10:00"),
        # Clocks go from midnight to one o'clock: the day begins at one.
        ("America/Havana", date(2026, 3, 8), "2026-03-08T05:00", "2026-04-08T04:00"),
        # Clocks go from one o'clock back to midnight: the day begins at the first one.
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00", "2026-12-01T05:00"),
    ],
)
def test_periods_begin_at_midnight_of_the_organization_whatever_its_clocks_do(
    time_zone: str, starts_on: date, start: str, end: str
) -> None:
    period = cycle(starts_on, time_zone=time_zone).period(0)

    assert (f"{period.start:%Y-%m-%dT%H:%M}", f"{period.end:%Y-%m-%dT%H:%M}") == (start, end)
    assert period.start.tzinfo is UTC


def test_a_trial_comes_before_the_first_period_which_is_anchored_to_its_end() -> None:
    tried = cycle(date(2026, 1, 17), trial_days=14, time_zone="Europe/Berlin")

    assert tried.trial is not None
    assert tried.trial.start == datetime(2026, 1, 17, tzinfo=ZoneInfo("Europe/Berlin"))
    assert first_days(tried, 3) == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert tried.containing(tried.trial.end - INSTANT) == tried.trial
    assert tried.next_boundary(tried.trial.start) == tried.boundary(0)
    with pytest.raises(BeforeStart):
        tried.number_at(tried.trial.start)


def test_who_does_not_try_has_no_trial() -> None:
    assert cycle(date(2026, 1, 17)).trial is None


@pytest.mark.parametrize("time_zone", ["Mars/Olympus", "../../etc/passwd", "", "CET+1"])
def test_a_time_zone_is_one_of_ianas(time_zone: str) -> None:
    with pytest.raises(ValidationError, match="no time zone of this name"):
        cycle(date(2026, 1, 1), time_zone=time_zone)


def test_a_period_is_never_empty() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    with pytest.raises(ValidationError, match="ends after it starts"):
        Period(start=now, end=now)
