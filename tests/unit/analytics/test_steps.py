"""Time series have the steps that a calendar has, where the asker lives."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.models import RangeTooLong
from analytics.querying.models import Interval, IntervalTooShort, UnknownTimeZone
from analytics.querying.steps import chosen_interval, previous_period, steps, zone

ZONES = ["America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "UTC"]


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    seconds=st.integers(1, 20 * 86_400),
    interval=st.sampled_from([Interval.HOUR, Interval.DAY, Interval.WEEK, Interval.MONTH]),
    name=st.sampled_from(ZONES),
)
def test_steps_touch_and_make_up_the_range(start: datetime, seconds: int, interval: Interval, name: str) -> None:
    first, last = start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(seconds=seconds)

    found = steps(first, last, interval, ZoneInfo(name))

    assert found[0].start == first
    assert found[-1].end == last
    assert found[0].label <= first
    assert all(before.end == after.start == after.label for before, after in itertools.pairwise(found))


def test_a_day_in_spring_has_23_hours_and_one_in_autumn_25() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    spring = steps(utc(2026, 3, 28, 23), utc(2026, 3, 29, 22), Interval.DAY, berlin)
    autumn = steps(utc(2026, 10, 24, 22), utc(2026, 10, 25, 23), Interval.DAY, berlin)

    assert [(step.end - step.start) for step in spring] == [timedelta(hours=23)]
    assert [(step.end - step.start) for step in autumn] == [timedelta(hours=25)]


def test_weeks_begin_on_mondays_and_months_on_their_first() -> None:
    weeks = steps(utc(2026, 8, 19), utc(2026, 8, 30), Interval.WEEK, ZoneInfo("UTC"))
    months = steps(utc(2026, 12, 15), utc(2027, 2, 1), Interval.MONTH, ZoneInfo("UTC"))

    assert [step.label for step in weeks] == [utc(2026, 8, 17), utc(2026, 8, 24)]
    assert [step.label for step in months] == [utc(2026, 12, 1), utc(2027, 1, 1)]


def test_too_many_steps_are_refused_and_the_shortest_interval_named() -> None:
    with pytest.raises(IntervalTooShort, match="the shortest interval is day"):
        steps(utc(2026, 1, 1), utc(2026, 12, 31), Interval.MINUTE, ZoneInfo("UTC"))


def test_more_than_a_year_is_refused() -> None:
    with pytest.raises(RangeTooLong):
        steps(utc(2024, 1, 1), utc(2026, 1, 1), Interval.MONTH, ZoneInfo("UTC"))


@pytest.mark.parametrize("name", ["", "../etc/passwd", "/etc/passwd", "Mars/Olympus", "a\0b", "x" * 500, "Europe"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        zone(name)


@pytest.mark.parametrize(
    ("length", "interval"),
    [
        (timedelta(hours=1), Interval.MINUTE),
        (timedelta(days=7), Interval.HOUR),
        (timedelta(days=30), Interval.DAY),
        (timedelta(days=366), Interval.WEEK),
    ],
)
def test_a_chart_has_not_too_many_steps(length: timedelta, interval: Interval) -> None:
    assert chosen_interval(utc(2026, 1, 1), utc(2026, 1, 1) + length) is interval


@pytest.mark.parametrize(
    ("start", "end", "before"),
    [
        (utc(2026, 2, 28, 23), utc(2026, 3, 31, 22), utc(2026, 1, 31, 23)),  # March, in Berlin
        (utc(2026, 3, 29, 22), utc(2026, 3, 30, 22), utc(2026, 3, 28, 23)),  # the day after one of 23 hours
        (utc(2026, 8, 17, 10), utc(2026, 8, 17, 11), utc(2026, 8, 17, 9)),
    ],
)
def test_the_period_before_is_as_long_by_the_calendar(start: datetime, end: datetime, before: datetime) -> None:
    assert previous_period(start, end, ZoneInfo("Europe/Berlin")) == (before, start)
