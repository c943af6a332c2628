"""When an event happened, by our clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.tracking.clocks import happened_at
from analytics.tracking.models import InTheFuture, TooLate

NOW = datetime(2026, 8, 17, 12, 0, 0, 123_456, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@given(
    ago=st.timedeltas(-timedelta(hours=1), timedelta(days=7)),
    off=st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
)
def test_however_wrong_a_clock_is_the_event_happened_when_it_did(ago: timedelta, off: timedelta) -> None:
    """Within the five seconds that are taken for the way, and the millisecond that MongoDB keeps."""
    timestamp, skew_ms = happened_at(NOW - ago + off, NOW + off, received_at=NOW)

    assert abs(timestamp - (NOW - ago)) <= timedelta(seconds=5) + MILLISECOND
    assert timestamp.microsecond % 1000 == 0
    if abs(off) > timedelta(seconds=5):
        assert abs(timestamp - (NOW - ago)) <= MILLISECOND
        assert abs(timedelta(milliseconds=skew_ms) + off) <= MILLISECOND
    else:
        assert skew_ms == 0


@pytest.mark.parametrize("year", [2, 9998])
@pytest.mark.parametrize("sent_in", [2, 2026, 9998])
def test_no_year_is_too_much_for_the_correction(year: int, sent_in: int) -> None:
    moment, sent_at = datetime(year, 1, 2, tzinfo=UTC), datetime(sent_in, 1, 2, tzinfo=UTC)

    if year == sent_in:
        assert happened_at(moment, sent_at, received_at=NOW)[0] == NOW.replace(microsecond=123_000)
    else:
        with pytest.raises(TooLate if year < sent_in else InTheFuture):
            happened_at(moment, sent_at, received_at=NOW)


def test_late_by_seven_days_and_ahead_by_an_hour_is_the_most() -> None:
    for moment in (NOW - timedelta(days=7), NOW + timedelta(hours=1)):
        assert happened_at(moment, None, received_at=NOW) == (moment.replace(microsecond=123_000), 0)
    with pytest.raises(TooLate):
        happened_at(NOW - timedelta(days=7, microseconds=1), None, received_at=NOW)
    with pytest.raises(InTheFuture):
        happened_at(NOW + timedelta(hours=1, microseconds=1), None, received_at=NOW)


def test_what_has_no_time_happens_when_it_arrives_whenever_it_was_sent() -> None:
    assert happened_at(None, NOW - timedelta(days=30), received_at=NOW) == (NOW.replace(microsecond=123_000), 0)
