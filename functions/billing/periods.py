"""Billing periods: months and years from a day on, in the calendar of the organization.

Days begin at midnight in the organization's time zone; where a change of clocks skips midnight, when that day begins.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from llmo_core.errors import Invalid
from llmo_core.fields import Moment, TimeZone
from llmo_core.model import Model

_MONTHS_IN_YEAR = 12

type TrialDays = Annotated[int, Field(ge=0, le=730)]
"""How long something is tried out before it is paid for; not at all with 0."""


class BeforeStart(Invalid):
    """The subscription had not started then."""


class Interval(StrEnum):
    """What periods are counted in."""

    MONTH = "month"
    YEAR = "year"


class Cadence(Model):
    """How long a period is: so many months or years."""

    interval: Interval
    count: Annotated[int, Field(ge=1, le=36)] = 1

    @property
    def months(self) -> int:
        """The same in months."""
        return self.count * (_MONTHS_IN_YEAR if self.interval is Interval.YEAR else 1)


class Period(Model):
    """The time from `start` on until just before `end`, in UTC."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a period ends after it starts")
        return self

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class BillingCycle(Model):
    """The periods of a subscription.

    Attributes:
        starts_on: The day on which it started, in `time_zone`; all of that day belongs to it.
        trial_days: So many days come before the first period that is paid.
    """

    starts_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
    time_zone: TimeZone
    cadence: Cadence
    trial_days: TrialDays = 0

    @property
    def anchor(self) -> date:
        """The first day that is paid for."""
        return self.starts_on + timedelta(days=self.trial_days)

    @property
    def trial(self) -> Period | None:
        """The time before the first period that is paid; None without a trial."""
        if not self.trial_days:
            return None
        return Period(start=midnight(self.starts_on, self.time_zone), end=self.boundary(0))

    def boundary(self, number: int) -> datetime:
        """When the period of this number starts, 0 being the first paid one.

        Always counted from the anchor: after January 31 come the last of February and March 31.
        """
        return midnight(months_after(self.anchor, number * self.cadence.months), self.time_zone)

    def period(self, number: int) -> Period:
        """The period of this number, 0 being the first paid one."""
        return Period(start=self.boundary(number), end=self.boundary(number + 1))

    def number_at(self, moment: datetime) -> int:
        """The number of the paid period that a moment is in. Raises BeforeStart; a trial is before."""
        day = day_of(moment, self.time_zone)
        months = (day.year - self.anchor.year) * _MONTHS_IN_YEAR + day.month - self.anchor.month
        number = months // self.cadence.months
        if self.boundary(number) > moment:
            number -= 1
        if number < 0:
            raise BeforeStart
        return number

    def containing(self, moment: datetime) -> Period:
        """The period that a moment is in, which may be the trial. Raises BeforeStart."""
        trial = self.trial
        return trial if trial is not None and moment in trial else self.period(self.number_at(moment))

    def next_boundary(self, moment: datetime) -> datetime:
        """When the period ends that a moment is in. Raises BeforeStart."""
        return self.containing(moment).end


def months_after(day: date, months: int) -> date:
    """The same day of a month later on, or the last one of a month that has no such day."""
    year, month = divmod(day.year * _MONTHS_IN_YEAR + day.month - 1 + months, _MONTHS_IN_YEAR)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def midnight(day: date, time_zone: str) -> datetime:
    """When a day begins, in UTC. A midnight that comes twice is the first one."""
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)


def day_of(moment: datetime, time_zone: str) -> date:
    """The day that it is somewhere."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
