"""When messages may go: the ends of quiet hours and the moments of digests, by the recipient's own clock.

A wall clock shows some times twice in a year, and some not at all. Quiet hours begin with the first time that it shows
their beginning, and end with the last time that it shows their end; a digest goes when its hour is shown first. What is
never shown (02:30 on the day that summer begins) counts as both 01:30 before and 03:30 after it (PEP 495).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from llmo_core.model import Model

_DAY: Final = timedelta(days=1)
_MONDAY_TO_SUNDAY: Final = frozenset(range(1, 8))


_SHOWN: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _read(given: object) -> object:
    if isinstance(given, time):
        given = given.isoformat()  # with seconds or an offset where it has some
        given = given.removesuffix(":00") if given.count(":") > 1 else given
    if not isinstance(given, str) or re.fullmatch(_SHOWN, given) is None:
        raise ValueError("write the time as hours and minutes: 22:00")
    return time.fromisoformat(given)


def _written(at: time) -> str:
    return at.strftime("%H:%M")


type ClockTime = Annotated[
    time,
    BeforeValidator(_read),
    PlainSerializer(_written, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _SHOWN,
            "description": "Hours and minutes, as the recipient's clock shows them.",
            "examples": ["22:00"],
        }
    ),
]
type Weekday = Annotated[int, Field(ge=1, le=7, strict=True, description="1 is Monday, 7 is Sunday (ISO 8601).")]
type Hour = Annotated[int, Field(ge=0, le=23, strict=True, description="Of the recipient's day.")]


class QuietHours(Model):
    """When nothing is sent that can wait, by the recipient's own clock.

    Attributes:
        start: When it begins to be quiet.
        end: When that ends: on the next day, unless it is later than `start`.
        days: On which days it begins.
    """

    start: ClockTime
    end: ClockTime
    days: Annotated[
        frozenset[Weekday],
        Field(min_length=1, json_schema_extra={"uniqueItems": False}),
        PlainSerializer(sorted, return_type=list[int], when_used="json"),
    ] = _MONDAY_TO_SUNDAY

    @model_validator(mode="after")
    def _end_some_time(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours end before they begin again")
        return self

    def over_at(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """When it is quiet no more, in UTC: the moment itself, or the end of the quiet hours that it lies in.

        There is an end: a minute of each ordinary day is not quiet.
        """
        moment = moment.astimezone(UTC)
        while (end := self._end(moment, zone)) is not None:
            moment = end
        return moment

    def _end(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        today = moment.astimezone(zone).date()
        ends = [
            end
            for days in range(-2, 2)  # a zone may skip a whole day: Pacific/Apia had no 2011-12-30
            if (day := today + days * _DAY).isoweekday() in self.days
            and _shown(day, self.start, zone)[0] <= moment
            and (end := _shown(day if self.start < self.end else day + _DAY, self.end, zone)[1]) > moment
        ]
        return max(ends, default=None)


class Rhythm(StrEnum):
    """How often digests go."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Digest(Model):
    """That e-mail is gathered, and when it goes, by the recipient's own clock.

    Attributes:
        weekday: Of weekly ones.
    """

    every: Rhythm
    hour: Hour = 8
    weekday: Weekday = 1

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """When the next one goes, in UTC; later than the moment."""
        today = moment.astimezone(zone).date()
        days = [today + days * _DAY for days in range(-1, 10)]
        if self.every is Rhythm.WEEKLY:
            days = [day for day in days if day.isoweekday() == self.weekday]
        at = time(self.hour)
        moments = [datetime.combine(day, at, zone).astimezone(UTC) for day in days]
        return min(going for going in moments if going > moment)


def _shown(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last moment at which a clock of the zone shows this."""
    shown = datetime.combine(day, at, zone)
    moments = [shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(moments), max(moments)
