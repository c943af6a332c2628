"""Steps of time series, and periods, in the time zone of who asks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analytics.models import RangeTooLong
from analytics.querying.models import Interval, IntervalTooShort, UnknownTimeZone

LONGEST_RANGE: Final = timedelta(days=366)
MOST_STEPS: Final = 2_000
_PREFERRED_STEPS: Final = 200
_ABOUT: Final = {
    Interval.MINUTE: timedelta(minutes=1),
    Interval.HOUR: timedelta(hours=1),
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(weeks=1),
    Interval.MONTH: timedelta(days=28),
}
_DECEMBER: Final = 12


class Step(NamedTuple):
    """A step of a time series.

    Attributes:
        label: Where it begins by the calendar, in UTC.
        start: Where it begins in the range that was asked for: later than the label, when that begins in its middle.
        end: Exclusive.
    """

    label: datetime
    start: datetime
    end: datetime


def zone(name: str) -> ZoneInfo:
    """A time zone by IANA's name. Raises UnknownTimeZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(f"There is no time zone {name[:64]!r}.") from error


def chosen_interval(start: datetime, end: datetime) -> Interval:
    """The shortest interval that gives a chart not too many steps."""
    return next((each for each in Interval if (end - start) / _ABOUT[each] <= _PREFERRED_STEPS), Interval.MONTH)


def steps(start: datetime, end: datetime, interval: Interval, time_zone: ZoneInfo) -> list[Step]:
    """The steps that make up [start, end), ascending. Raises RangeTooLong, IntervalTooShort."""
    if end - start > LONGEST_RANGE:
        raise RangeTooLong
    if (end - start) / _ABOUT[interval] > MOST_STEPS:
        shortest = next(each for each in Interval if (end - start) / _ABOUT[each] <= MOST_STEPS)
        raise IntervalTooShort(
            f"A range this long has more than {MOST_STEPS} steps of a {interval}; the shortest interval is {shortest}."
        )
    found = []
    labels = _labels(start, interval, time_zone)
    label = next(labels)
    for following in labels:
        found.append(Step(label, max(label, start), min(following, end)))
        if following >= end:
            return found
        label = following
    raise AssertionError  # labels never end


def previous_period(start: datetime, end: datetime, time_zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The period before one: as many months before whole months, as many days before whole days, else as long."""
    first, last = start.astimezone(time_zone), end.astimezone(time_zone)
    midnight = time()
    if first.time() != midnight or last.time() != midnight:
        return start - (end - start), start
    if first.day == last.day == 1:
        months = (last.year - first.year) * 12 + last.month - first.month
        return _local_midnight(_months_before(first.date(), months), time_zone), start
    days = (last.date() - first.date()).days
    return _local_midnight(first.date() - timedelta(days=days), time_zone), start


def start_of_day(moment: datetime, time_zone: ZoneInfo) -> datetime:
    """Where a moment's day begins, in UTC."""
    return _local_midnight(moment.astimezone(time_zone).date(), time_zone)


def start_of_month(moment: datetime, time_zone: ZoneInfo) -> datetime:
    """Where a moment's month begins, in UTC."""
    return _local_midnight(moment.astimezone(time_zone).date().replace(day=1), time_zone)


def end_of_month(moment: datetime, time_zone: ZoneInfo) -> datetime:
    """Where the month after a moment's begins, in UTC."""
    return _local_midnight(_next_month(moment.astimezone(time_zone).date().replace(day=1)), time_zone)


def _labels(start: datetime, interval: Interval, time_zone: ZoneInfo) -> Iterator[datetime]:
    local = start.astimezone(time_zone)
    if interval in {Interval.MINUTE, Interval.HOUR}:
        floor = local.replace(second=0, microsecond=0)
        moment = (floor if interval is Interval.MINUTE else floor.replace(minute=0)).astimezone(UTC)
        while True:
            yield moment
            moment += _ABOUT[interval]
    day = local.date()
    if interval is Interval.WEEK:
        day -= timedelta(days=day.weekday())
    elif interval is Interval.MONTH:
        day = day.replace(day=1)
    while True:
        yield _local_midnight(day, time_zone)
        day = _next_month(day) if interval is Interval.MONTH else day + _ABOUT[interval]


def _local_midnight(day: date, time_zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), time_zone).astimezone(UTC)


def _next_month(day: date) -> date:
    return date(day.year + 1, 1, 1) if day.month == _DECEMBER else date(day.year, day.month + 1, 1)


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
