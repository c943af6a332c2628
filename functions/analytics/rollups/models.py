"""Rollups: what an organization's calls of a minute, an hour or a day add up to, group by group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from analytics.usage.models import Dimension

type Value = str | None
"""A dimension's value as text; None where a call has none."""

type Key = tuple[Value, ...]
"""The values of a grouping set's dimensions, in their order."""

OTHERS: Final = "(others)"
"""The value of every dimension of what lies beyond the largest groups that a rollup keeps."""

ROLLED: Final = (
    Dimension.PROJECT,
    Dimension.KEY,
    Dimension.MODEL,
    Dimension.PROVIDER,
    Dimension.ENDPOINT,
    Dimension.STATUS,
    Dimension.CACHE,
    Dimension.CONNECTION,
    Dimension.ROUTE,
    Dimension.VARIANT,
    Dimension.PROMPT,
    Dimension.BATCH,
)
"""The dimensions that are rolled up together, so that any of them can be combined."""


class Granularity(StrEnum):
    """How much time one rollup covers; each is made of the next finer ones, and minutes of the calls themselves."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return _LENGTHS[self]

    def floor(self, moment: datetime) -> datetime:
        """The start of the unit that a moment in UTC lies in."""
        minute = moment.replace(second=0, microsecond=0)
        if self is Granularity.MINUTE:
            return minute
        hour = minute.replace(minute=0)
        return hour if self is Granularity.HOUR else hour.replace(hour=0)

    def ceiling(self, moment: datetime) -> datetime:
        """The first start of a unit that does not lie before a moment in UTC."""
        floor = self.floor(moment)
        return floor if floor == moment else floor + self.length


_LENGTHS: Final[Mapping[Granularity, timedelta]] = {
    Granularity.MINUTE: timedelta(minutes=1),
    Granularity.HOUR: timedelta(hours=1),
    Granularity.DAY: timedelta(days=1),
}

COARSER: Final[Mapping[Granularity, Granularity]] = {
    Granularity.MINUTE: Granularity.HOUR,
    Granularity.HOUR: Granularity.DAY,
}
FINER: Final[Mapping[Granularity, Granularity]] = {coarse: fine for fine, coarse in COARSER.items()}


class GroupingSet(StrEnum):
    """By what the groups of a rollup are told apart.

    `all` has every dimension of ROLLED; the finest rollups have no other but `total` and `end_user`. The others spare
    questions about one dimension the reading of `all`. Days have their hours as well, `hours` and by one dimension:
    what asks about days of a time zone reads one document instead of 24.
    """

    TOTAL = "total"
    ALL = "all"
    END_USER = "end_user"
    PROJECT = "project"
    KEY = "key"
    MODEL = "model"
    PROVIDER = "provider"
    ENDPOINT = "endpoint"
    STATUS = "status"
    CACHE = "cache"
    CONNECTION = "connection"
    ROUTE = "route"
    VARIANT = "variant"
    PROMPT = "prompt"
    BATCH = "batch"
    HOURS = "hours"
    HOURS_PROJECT = "hours_project"
    HOURS_KEY = "hours_key"
    HOURS_MODEL = "hours_model"
    HOURS_PROVIDER = "hours_provider"
    HOURS_ENDPOINT = "hours_endpoint"
    HOURS_STATUS = "hours_status"
    HOURS_CACHE = "hours_cache"
    HOURS_CONNECTION = "hours_connection"
    HOURS_ROUTE = "hours_route"
    HOURS_VARIANT = "hours_variant"
    HOURS_PROMPT = "hours_prompt"
    HOURS_BATCH = "hours_batch"

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What its keys are values of."""
        match self:
            case GroupingSet.TOTAL:
                return ()
            case GroupingSet.ALL:
                return ROLLED
            case _ if (of_hours := OF_HOURS.get(self)) is not None:
                return (Dimension.HOUR, *of_hours.dimensions)
            case _:
                return (Dimension(self.value),)


FINEST_SETS: Final = (GroupingSet.TOTAL, GroupingSet.ALL, GroupingSet.END_USER)
SINGLE_SETS: Final = tuple(GroupingSet(dimension.value) for dimension in ROLLED)
HOURLY: Final[Mapping[GroupingSet, GroupingSet]] = {
    GroupingSet.TOTAL: GroupingSet.HOURS,
    **{each: GroupingSet(f"{GroupingSet.HOURS}_{each}") for each in SINGLE_SETS},
}
"""Where a day has what its hours have by a grouping set. The first value of the keys is the hour: `00` to `23`, UTC."""

OF_HOURS: Final[Mapping[GroupingSet, GroupingSet]] = {hourly: each for each, hourly in HOURLY.items()}


class Sheet(StrEnum):
    """What of a rollup is kept, and read, together: large groupings do not stand beside small ones."""

    WHOLE = "whole"
    TOTAL = "total"
    SINGLES = "singles"
    ALL = "all"
    END_USERS = "end_users"
    ALL_NUMBERS = "all_numbers"
    END_USER_NUMBERS = "end_user_numbers"
    HOURS = "hours"
    HOURS_SINGLES = "hours_singles"


_COARSE: Final[Mapping[Sheet, tuple[GroupingSet, ...]]] = {
    Sheet.TOTAL: (GroupingSet.TOTAL,),
    Sheet.SINGLES: SINGLE_SETS,
    Sheet.ALL: (GroupingSet.ALL,),
    Sheet.END_USERS: (GroupingSet.END_USER,),
    Sheet.ALL_NUMBERS: (GroupingSet.ALL,),
    Sheet.END_USER_NUMBERS: (GroupingSet.END_USER,),
}
NUMBERS: Final[Mapping[Sheet, Sheet]] = {
    Sheet.ALL: Sheet.ALL_NUMBERS,
    Sheet.END_USERS: Sheet.END_USER_NUMBERS,
}
"""Sheets of many groups, and where the same groups are without histograms: these are nine tenths of the bytes."""

SHEETS: Final[Mapping[Granularity, Mapping[Sheet, tuple[GroupingSet, ...]]]] = {
    Granularity.MINUTE: {Sheet.WHOLE: FINEST_SETS},
    Granularity.HOUR: _COARSE,
    Granularity.DAY: {
        **_COARSE,
        Sheet.HOURS: (GroupingSet.HOURS,),
        Sheet.HOURS_SINGLES: tuple(HOURLY[each] for each in SINGLE_SETS),
    },
}
"""The sheets of each granularity's rollups, with their grouping sets."""


def hour_of(hour: int) -> str:
    """An hour of a day as HOURLY's keys have it."""
    return f"{hour:02}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A minute, an hour or a day of one organization.

    Attributes:
        start: In UTC.
    """

    org_id: UUID
    granularity: Granularity
    start: datetime

    @property
    def end(self) -> datetime:
        """Where the next one begins."""
        return self.start + self.granularity.length

    @property
    def coarser(self) -> "Unit":
        """The unit that it is a part of; days are a part of none."""
        granularity = COARSER[self.granularity]
        return Unit(self.org_id, granularity, granularity.floor(self.start))


@dataclass(frozen=True, slots=True)
class Mark:
    """Units of one granularity whose rollups are to be made again. Each marking is a mark of its own."""

    id: str
    org_id: UUID
    granularity: Granularity
    starts: tuple[datetime, ...]
