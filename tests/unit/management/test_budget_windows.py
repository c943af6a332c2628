"""Which window a moment is in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.budget_windows import Window, window_of

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Pacific/Kiritimati")
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones


@given(now=moments, zone=st.sampled_from(ZONES), window=st.sampled_from([Window.DAY, Window.WEEK, Window.MONTH]))
def test_a_moment_is_in_its_window_and_the_next_one_begins_where_it_ends(
    now: datetime, zone: str, window: Window
) -> None:
    starts, ends = window_of(window, zone, now)
    assert ends is not None
    begins = datetime.fromisoformat(starts).replace(tzinfo=ZoneInfo(zone))

    assert begins <= now < ends
    assert (begins.hour, begins.minute, ends.hour, ends.minute) == (0, 0, 0, 0)
    assert window_of(window, zone, ends)[0] == f"{ends:%Y-%m-%d}"
    assert window_of(window, zone, ends - timedelta(microseconds=1))[0] == starts


@pytest.mark.parametrize(
    ("window", "zone", "starts"),
    [
        (Window.DAY, "UTC", "2026-11-25"),
        (Window.DAY, "Europe/Berlin", "2026-11-26"),
        (Window.WEEK, "UTC", "2026-11-23"),
        (Window.MONTH, "UTC", "2026-11-01"),
        (Window.TOTAL, "UTC", "total"),
    ],
)
def test_a_window_is_called_by_its_first_day(window: Window, zone: str, starts: str) -> None:
    assert window_of(window, zone, NOW)[0] == starts
