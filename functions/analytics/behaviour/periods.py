"""Moments as numbers; days, weeks and months of a time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from analytics.behaviour.models import Interval, Period

_DAYS: Final = 7
_MONTHS: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def number_of(day: date, period: Period) -> int:
    """Which period a day is in; the next one has the next number."""
    if period is Period.DAY:
        return day.toordinal()
    if period is Period.WEEK:
        return (day.toordinal() - 1) // _DAYS  # the first day of year 1 was a Monday
    return day.year * _MONTHS + day.month - 1


def first_day(number: int, period: Period) -> date:
    """The first day of the period with this number."""
    if period is Period.DAY:
        return date.fromordinal(number)
    if period is Period.WEEK:
        return date.fromordinal(number * _DAYS + 1)
    return date(number // _MONTHS, number % _MONTHS + 1, 1)


def start_of(at: int, interval: Interval, zone: ZoneInfo) -> datetime:
    """When the interval began that a moment is in, in UTC."""
    local = moment_at(at, zone)
    if interval is Interval.HOUR:
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    period = Period(interval.value)
    day = first_day(number_of(local.date(), period), period)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_at(at: int, zone: ZoneInfo) -> datetime:
    """The moment, by the clocks of a zone."""
    return (_EPOCH + at * _MILLISECOND).astimezone(zone)
