"""When a report is due, by the clock of a time zone.

In spring an hour is skipped: what is due in it is due as much later as the clock jumps. In autumn an hour comes twice:
what is due in it is due the first time, once. A month without the day has its last one instead.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from analytics.querying.steps import zone
from llmo_core.model import Model

_DAY = timedelta(days=1)


class Every(StrEnum):
    """How often a report is run."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Schedule(Model):
    """When a report is run.

    Attributes:
        at: The local time of the day, as HH:MM.
        weekday: 1 is Monday, 7 is Sunday (ISO 8601); of every week.
        day: Of every month, 1 to 31.
        time_zone: IANA's name.
    """

    every: Every
    at: str
    weekday: int | None = None
    day: int | None = None
    time_zone: str = "UTC"
    enabled: bool = True


def next_due(schedule: Schedule, after: datetime) -> datetime:
    """The first moment after this one at which a report is due, in UTC. Raises UnknownTimeZone."""
    first = after.astimezone(zone(schedule.time_zone)).date() - _DAY
    return next(moment for moment in _moments(schedule, first, _DAY) if moment > after)


def latest_due(schedule: Schedule, at: datetime) -> datetime:
    """The last moment up to this one at which a report was due, in UTC. Raises UnknownTimeZone."""
    last = at.astimezone(zone(schedule.time_zone)).date() + _DAY
    return next(moment for moment in _moments(schedule, last, -_DAY) if moment <= at)


def _moments(schedule: Schedule, day: date, step: timedelta) -> Iterator[datetime]:
    where, at = zone(schedule.time_zone), time.fromisoformat(schedule.at)
    while True:
        if _is_due(schedule, day):
            # `fold=0`: in a skipped hour the offset before it counts, in a doubled one the first (PEP 495).
            yield datetime.combine(day, at, where).astimezone(UTC)
        day += step


def _is_due(schedule: Schedule, day: date) -> bool:
    if schedule.every is Every.WEEK:
        return day.isoweekday() == (schedule.weekday or 1)
    if schedule.every is Every.MONTH:
        return day.day == min(schedule.day or 1, monthrange(day.year, day.month)[1])
    return True
