"""Quarters of an hour add up to the days of every time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import midnight
from billing.usage.slots import SLOT, BetweenSlots, require_boundary, slot_of

ZONES = sorted(available_timezones() - {"localtime"})
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - with its zone


@given(moments)
def test_a_moment_is_in_the_slot_that_began_last(moment: datetime) -> None:
    slot = slot_of(moment)
    assert slot <= moment < slot + SLOT
    assert slot_of(slot) == slot
    assert (slot - datetime(2000, 1, 1, tzinfo=UTC)) % SLOT == timedelta()


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(ZONES))
def test_every_midnight_everywhere_is_between_two_slots(day: date, zone: str) -> None:
    require_boundary(midnight(day, zone))


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham", "Australia/Lord_Howe"])
def test_odd_offsets_are_whole_quarters_in_summer_and_winter(zone: str) -> None:
    for month in range(1, 13):
        require_boundary(midnight(date(2026, month, 1), zone))


@pytest.mark.parametrize("moment", ["2026-11-27T12:01:00+00:00", "2026-11-27T12:00:00.000001+00:00"])
def test_between_boundaries_there_is_none(moment: str) -> None:
    with pytest.raises(BetweenSlots):
        require_boundary(datetime.fromisoformat(moment))
