"""When messages may go, by every clock: against what the clock shows, and not against how the rule computes it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from notification.preferences.moments import Digest, QuietHours, Rhythm

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",  # summer began at midnight
        "Australia/Lord_Howe",  # by half an hour
        "Pacific/Apia",  # had no 2011-12-30
        "Asia/Kolkata",
        "Africa/Casablanca",
        "Pacific/Chatham",
        "America/Santiago",
    )
]
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(start=time(22), end=time(7))

zones = st.sampled_from(ZONES)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2005, 2040))
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@st.composite
def quiet_hours(draw: st.DrawFn) -> QuietHours:
    start = draw(clock_times)
    end = draw(clock_times.filter(lambda end: end != start))
    days = draw(st.frozensets(st.integers(1, 7), min_size=1))
    return QuietHours(start=start, end=end, days=days)


def is_quiet(moment: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    """What somebody says who looks at a clock and a calendar."""
    local = moment.astimezone(zone)
    today, at = local.isoweekday(), local.time()
    if quiet.start < quiet.end:
        return today in quiet.days and quiet.start <= at < quiet.end
    yesterday = (local.date() - timedelta(days=1)).isoweekday()
    return (today in quiet.days and at >= quiet.start) or (yesterday in quiet.days and at < quiet.end)


@given(moments, quiet_hours(), zones)
@example(datetime(2011, 12, 30, 9, 59, tzinfo=UTC), NIGHT, ZoneInfo("Pacific/Apia"))
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), QuietHours(start=time(1), end=time(2, 30)), BERLIN)
@example(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), QuietHours(start=time(1), end=time(2, 30)), BERLIN)
@example(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), QuietHours(start=time(2, 30), end=time(7)), BERLIN)
def test_nothing_is_sent_while_it_is_quiet_nor_earlier_than_now(
    now: datetime, quiet: QuietHours, zone: ZoneInfo
) -> None:
    sent = quiet.over_at(now, zone)

    assert sent >= now
    assert not is_quiet(sent, quiet, zone)
    assert quiet.over_at(sent, zone) == sent


@given(moments, quiet_hours(), zones)
def test_nothing_waits_without_a_reason(now: datetime, quiet: QuietHours, zone: ZoneInfo) -> None:
    """Every quarter of an hour that it waits is quiet by the clock, or within a day of where the clock is changed."""
    sent = quiet.over_at(now, zone)
    day = timedelta(days=1)
    offsets = {(now + days * day).astimezone(zone).utcoffset() for days in range(-2, (sent - now).days + 4)}
    if len(offsets) == 1:
        waiting = now
        while waiting < sent:
            assert is_quiet(waiting, quiet, zone)
            waiting += timedelta(minutes=15)


def test_a_night_ends_in_the_morning_of_the_recipient() -> None:
    evening = datetime(2026, 11, 28, 23, 30, tzinfo=BERLIN)

    assert NIGHT.over_at(evening, BERLIN) == datetime(2026, 11, 29, 7, tzinfo=BERLIN)
    assert NIGHT.over_at(evening - timedelta(hours=2), BERLIN) == evening - timedelta(hours=2)


def test_a_night_begins_on_the_days_that_were_chosen_and_ends_on_the_next() -> None:
    friday_nights = NIGHT.model_copy(update={"days": frozenset({5})})
    saturday = datetime(2026, 11, 28, tzinfo=BERLIN)

    assert friday_nights.over_at(saturday.replace(hour=3), BERLIN) == saturday.replace(hour=7)
    assert friday_nights.over_at(saturday.replace(hour=23), BERLIN) == saturday.replace(hour=23)


@pytest.mark.parametrize("end", ["22:00", "7:00", "07:00:30", "07:00+01:00", "24:00", 25200, "07:00\n"])
def test_hours_that_never_end_or_are_no_times_of_a_clock_are_refused(end: object) -> None:
    with pytest.raises(ValidationError):
        QuietHours.model_validate({"start": "22:00", "end": end})


digests = st.builds(Digest, every=st.sampled_from(Rhythm), hour=st.integers(0, 23), weekday=st.integers(1, 7))


@given(moments, digests, zones)
@example(datetime(2026, 3, 28, 12, tzinfo=UTC), Digest(every=Rhythm.DAILY, hour=2), BERLIN)
@example(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), Digest(every=Rhythm.DAILY, hour=2), BERLIN)
@example(datetime(2011, 12, 29, 20, tzinfo=UTC), Digest(every=Rhythm.DAILY, hour=8), ZoneInfo("Pacific/Apia"))
def test_a_digest_goes_later_than_now_and_when_the_clock_shows_its_hour(
    now: datetime, digest: Digest, zone: ZoneInfo
) -> None:
    going = digest.next_after(now, zone)
    local = going.astimezone(zone)

    assert going > now
    assert going - now <= timedelta(days=9 if digest.every is Rhythm.WEEKLY else 2, hours=2)
    if was_shown(local.date(), digest.hour, zone):
        assert (local.hour, local.minute) == (digest.hour, 0)
        assert digest.every is Rhythm.DAILY or local.isoweekday() == digest.weekday


@given(moments, digests, zones)
def test_of_two_digests_the_later_is_not_skipped_for_the_earlier(now: datetime, digest: Digest, zone: ZoneInfo) -> None:
    first = digest.next_after(now, zone)
    assert digest.next_after(first - timedelta(seconds=1), zone) == first
    assert digest.next_after(first, zone) > first


def was_shown(day: date, hour: int, zone: ZoneInfo) -> bool:
    shown = datetime.combine(day, time(hour), zone)
    return shown.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None)
