"""Schedule expressions of EventBridge: `cron(…)`, `rate(…)` and `at(…)`, in UTC.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
LAST_YEAR = 2199
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class InvalidExpression(ValueError):
    """The expression is not one that EventBridge accepts."""


class Expression(Protocol):
    """When something happens again and again."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment`, or None when there is none any more."""
        ...


def parse(expression: str, *, start: datetime) -> Expression:
    """Read an expression. A rate counts from `start`. Raises InvalidExpression."""
    kind, _, inner = expression.strip().partition("(")
    if not inner.endswith(")"):
        raise InvalidExpression(expression)
    inner = inner[:-1].strip()
    try:
        if kind == "rate":
            return Rate(_interval(inner), start)
        if kind == "cron":
            return Cron.of(inner)
        if kind == "at":
            return At(datetime.fromisoformat(inner).replace(tzinfo=UTC))
    except ValueError as error:
        raise InvalidExpression(f"{expression}: {error}") from error
    raise InvalidExpression(expression)


def _interval(text: str) -> timedelta:
    found = re.fullmatch(r"(?P<value>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)", text)
    if not found or (found["value"] == "1") == bool(found["plural"]):
        raise InvalidExpression("a rate is `1 minute`, or `5 minutes`; hours and days likewise")
    return int(found["value"]) * UNITS[found["unit"]]


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, counted from a start."""

    interval: timedelta
    start: datetime

    def next_after(self, moment: datetime) -> datetime:
        """Return the first multiple of the interval after `moment`; the start itself is none."""
        passed = max((moment - self.start) // self.interval, 0)
        return self.start + (passed + 1) * self.interval


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    moment: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the moment unless it is over."""
        return self.moment if self.moment > moment else None


DayRule = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Cron:
    """Six fields: minutes, hours, day of month, month, day of week (1 is Sunday), year."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    is_due: DayRule

    @classmethod
    def of(cls, fields: str) -> "Cron":
        """Read the six fields. Raises InvalidExpression, or ValueError for a bad number."""
        parts = fields.upper().split()
        if len(parts) != 6:  # noqa: PLR2004  minutes, hours, day of month, month, day of week, year
            raise InvalidExpression("cron has six fields")
        minutes, hours, days, months, weekdays, years = parts
        if (days == "?") == (weekdays == "?"):
            raise InvalidExpression("exactly one of day of month and day of week is ?")
        return cls(
            minutes=tuple(sorted(_numbers(minutes, 0, 59))),
            hours=tuple(sorted(_numbers(hours, 0, 23))),
            months=_numbers(months, 1, 12, MONTHS),
            years=_numbers(years, 1970, LAST_YEAR),
            is_due=_any_of(days, _day_of_month) if weekdays == "?" else _any_of(weekdays, _day_of_week),
        )

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first matching minute after `moment`."""
        earliest = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = earliest.date()
        while day.year <= LAST_YEAR:
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = day.replace(day=1) + timedelta(days=calendar.monthrange(day.year, day.month)[1])
            else:
                if self.is_due(day) and (found := self._first_on(day, earliest)):
                    return found
                day += timedelta(days=1)
        return None

    def _first_on(self, day: date, earliest: datetime) -> datetime | None:
        for hour in self.hours:
            for minute in self.minutes:
                moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=earliest.tzinfo)
                if moment >= earliest:
                    return moment
        return None


def _numbers(text: str, low: int, high: int, names: Sequence[str] = ()) -> frozenset[int]:
    """The values of one field: `*`, `5`, `1-5`, `MON-FRI`, `0/15`, `*/15`, and lists of these."""

    def number(word: str) -> int:
        value = names.index(word) + low if word in names else int(word)
        if not low <= value <= high:
            raise InvalidExpression(f"{word} is not within {low}-{high}")
        return value

    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = number(first)
            end = number(last) if dash else (high if slash else start)
        every = int(step) if slash else 1
        if end < start or every < 1:
            raise InvalidExpression(f"{part} matches nothing")
        values.update(range(start, end + 1, every))
    return frozenset(values)


def _any_of(text: str, rule: Callable[[str], DayRule]) -> DayRule:
    rules = [rule(part) for part in text.split(",")]
    return lambda day: any(one(day) for one in rules)


def _day_of_month(text: str) -> DayRule:
    if text == "L":
        return lambda day: day.day == _last_of_month(day)
    if text == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last_of_month(day))
    if text.endswith("W"):
        (wanted,) = _numbers(text[:-1], 1, 31)
        return lambda day: wanted <= _last_of_month(day) and day.day == _nearest_weekday(day, wanted)
    days = _numbers(text, 1, 31)
    return lambda day: day.day in days


def _day_of_week(text: str) -> DayRule:
    if text == "L":
        return lambda day: _weekday(day) == len(WEEKDAYS)
    if "#" in text:
        name, _, nth = text.partition("#")
        (weekday,) = _numbers(name, 1, 7, WEEKDAYS)
        (week,) = _numbers(nth, 1, 5)
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 == week - 1
    if text.endswith("L"):
        (weekday,) = _numbers(text[:-1], 1, 7, WEEKDAYS)
        return lambda day: _weekday(day) == weekday and day.day > _last_of_month(day) - 7
    weekdays = _numbers(text, 1, 7, WEEKDAYS)
    return lambda day: _weekday(day) in weekdays


def _weekday(day: date) -> int:
    """1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1


def _last_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The Monday to Friday that is closest to a day of the month, without leaving the month."""
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == calendar.SATURDAY + 1:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == calendar.SUNDAY + 1:
        return wanted + 1 if wanted < _last_of_month(day) else wanted - 2
    return wanted
