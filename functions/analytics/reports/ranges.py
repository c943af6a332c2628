"""Ranges that are relative to when somebody looks, in whole days of a time zone."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class RelativeRange(StrEnum):
    """What time is looked at. Days are whole ones, and over; weeks begin on Mondays (ISO 8601).

    `month_to_date` begins with the month and ends now, `last_24_hours` begins a day ago and ends now.
    """

    LAST_24_HOURS = "last_24_hours"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    LAST_90_DAYS = "last_90_days"
    PREVIOUS_WEEK = "previous_week"
    PREVIOUS_MONTH = "previous_month"
    MONTH_TO_DATE = "month_to_date"


_DAYS = {
    RelativeRange.YESTERDAY: 1,
    RelativeRange.LAST_7_DAYS: 7,
    RelativeRange.LAST_30_DAYS: 30,
    RelativeRange.LAST_90_DAYS: 90,
}


def resolved(wanted: RelativeRange, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when, in UTC, the end exclusive.

    At the first moment of a month there is nothing to date yet: then `month_to_date` is all of the month before.
    """
    if wanted is RelativeRange.LAST_24_HOURS:
        return at - timedelta(days=1), at
    today = at.astimezone(zone).date()
    if wanted in _DAYS:
        return _midnight(today - timedelta(days=_DAYS[wanted]), zone), _midnight(today, zone)
    if wanted is RelativeRange.PREVIOUS_WEEK:
        monday = today - timedelta(days=today.weekday())
        return _midnight(monday - timedelta(days=7), zone), _midnight(monday, zone)
    first = _midnight(today.replace(day=1), zone)
    if wanted is RelativeRange.MONTH_TO_DATE and at > first:
        return first, at
    before = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return _midnight(before, zone), first


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
