"""When reports are due, and what time they are about."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.reports.ranges import RelativeRange, resolved
from analytics.reports.schedules import Every, Schedule, latest_due, next_due

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SCHEDULES = st.builds(
    Schedule,
    every=st.sampled_from(Every),
    at=st.times().map(lambda time: f"{time:%H:%M}"),
    weekday=st.integers(1, 7),
    day=st.integers(1, 31),
    time_zone=st.sampled_from(["UTC", BERLIN, NEW_YORK, "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(at: str, time_zone: str) -> Schedule:
    return Schedule(every=Every.DAY, at=at, time_zone=time_zone)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (daily("08:00", BERLIN), "2026-07-01T05:59", "2026-07-01T06:00"),
        (daily("08:00", BERLIN), "2026-07-01T06:00", "2026-07-02T06:00"),
        (daily("08:00", BERLIN), "2026-10-24T07:00", "2026-10-25T07:00"),  # the clock went back: an hour later in UTC
        (daily("02:30", BERLIN), "2026-03-28T12:00", "2026-03-29T01:30"),  # skipped: 03:30 of the clock
        (daily("02:30", BERLIN), "2026-10-24T12:00", "2026-10-25T00:30"),  # twice: the first time
        (daily("02:30", BERLIN), "2026-10-25T00:30", "2026-10-26T01:30"),  # and not the second time
        (daily("01:30", NEW_YORK), "2026-11-01T05:30", "2026-11-02T06:30"),
        (Schedule(every=Every.WEEK, at="09:00", weekday=1), "2026-08-17T09:00", "2026-08-24T09:00"),
        (Schedule(every=Every.WEEK, at="09:00", weekday=7), "2026-08-17T09:00", "2026-08-23T09:00"),
        (Schedule(every=Every.MONTH, at="00:00", day=31), "2026-02-01T00:00", "2026-02-28T00:00"),
        (Schedule(every=Every.MONTH, at="00:00", day=31), "2026-02-28T00:00", "2026-03-31T00:00"),
        (Schedule(every=Every.MONTH, at="00:00", day=1, time_zone=BERLIN), "2026-12-31T22:00", "2026-12-31T23:00"),
    ],
)
def test_a_report_is_due_by_the_clock_of_its_time_zone(schedule: Schedule, after: str, due: str) -> None:
    assert next_due(schedule, utc(after)) == utc(due)
    assert latest_due(schedule, utc(due)) == utc(due)


@given(SCHEDULES, MOMENTS)
def test_moments_follow_each_other_without_gaps_or_repetitions(schedule: Schedule, at: datetime) -> None:
    latest, following = latest_due(schedule, at), next_due(schedule, at)

    assert latest <= at < following
    assert next_due(schedule, latest) == following
    assert latest_due(schedule, following - timedelta(microseconds=1)) == latest
    longest = {Every.DAY: 2, Every.WEEK: 8, Every.MONTH: 32}[schedule.every]
    assert following - latest <= timedelta(days=longest)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        (RelativeRange.LAST_24_HOURS, "2026-04-01T04:30", "2026-04-02T04:30"),
        (RelativeRange.YESTERDAY, "2026-03-31T22:00", "2026-04-01T22:00"),
        (RelativeRange.LAST_7_DAYS, "2026-03-25T23:00", "2026-04-01T22:00"),  # over the change to summer time
        (RelativeRange.LAST_30_DAYS, "2026-03-02T23:00", "2026-04-01T22:00"),
        (RelativeRange.LAST_90_DAYS, "2026-01-01T23:00", "2026-04-01T22:00"),
        (RelativeRange.PREVIOUS_WEEK, "2026-03-22T23:00", "2026-03-29T22:00"),
        (RelativeRange.PREVIOUS_MONTH, "2026-02-28T23:00", "2026-03-31T22:00"),
        (RelativeRange.MONTH_TO_DATE, "2026-03-31T22:00", "2026-04-02T04:30"),
    ],
)
def test_a_range_is_of_whole_days_where_the_report_is_read(wanted: RelativeRange, start: str, end: str) -> None:
    assert resolved(wanted, utc("2026-04-02T04:30"), ZoneInfo(BERLIN)) == (utc(start), utc(end))


def test_the_month_to_date_of_its_first_moment_is_the_month_before() -> None:
    first = utc("2026-03-31T22:00")

    assert resolved(RelativeRange.MONTH_TO_DATE, first, ZoneInfo(BERLIN)) == (utc("2026-02-28T23:00"), first)


@given(st.sampled_from(RelativeRange), MOMENTS, st.sampled_from(["UTC", BERLIN, NEW_YORK, "Pacific/Apia"]))
def test_every_range_has_a_time_and_none_of_it_is_to_come(wanted: RelativeRange, at: datetime, zone: str) -> None:
    start, end = resolved(wanted, at, ZoneInfo(zone))

    assert start < end <= at
