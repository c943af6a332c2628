"""What is asked about tracked events, and answered."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self
from uuid import UUID

from analytics.models import EmptyRange, RangeTooLong
from analytics.tracking.properties import Json, Scalar
from llmo_core.errors import Invalid
from llmo_core.model import Model

LONGEST_RANGE: Final = timedelta(days=366)
MOST_EVENTS: Final = 1_000_000
"""That are read for one answer."""

MOST_ROWS: Final = 10_000
MOST_GROUPS: Final = 25


class TooManyEvents(Invalid):
    """More events would have to be read than one answer may. Ask for a shorter range, or for rarer events."""


class Seen(NamedTuple):
    """What the answers need of an event.

    Attributes:
        actor: Who did it; None where it says nothing of that.
        at: Milliseconds since 1970.
        pairs: Its properties, as `analytics.tracking.properties.pair` writes them.
    """

    name: str
    actor: str | None
    at: int
    pairs: Sequence[str]


class Range(Model):
    """[start, end), in UTC."""

    start: datetime
    end: datetime

    def checked(self) -> Self:
        """The same. Raises EmptyRange, RangeTooLong."""
        if self.start >= self.end:
            raise EmptyRange
        if self.end - self.start > LONGEST_RANGE:
            raise RangeTooLong
        return self


class Matching(Model):
    """Events of a name that have all of these properties, written as pairs."""

    name: str
    pairs: frozenset[str] = frozenset()

    def matches(self, seen: Seen) -> bool:
        """Whether an event is one of them."""
        return seen.name == self.name and (not self.pairs or self.pairs.issubset(seen.pairs))


class FunnelQuery(Model):
    """How many get from step to step.

    Attributes:
        window: How long somebody may take from the first step to the last.
        breakdown: The property of the first step whose values are told apart.
    """

    org_id: UUID
    range: Range
    steps: tuple[Matching, ...]
    window: timedelta
    breakdown: str | None = None


class FunnelStep(Model):
    """How many got so far.

    Attributes:
        median_seconds: That they took from the step before; None for the first one, and where nobody got.
    """

    name: str
    users: int
    median_seconds: float | None


class FunnelGroup(Model):
    """Those whose first step had this value; `other` are all values but the most frequent ones."""

    value: Scalar
    other: bool = False
    steps: tuple[FunnelStep, ...]


class Funnel(Model):
    """Everybody, and by the values of a property."""

    steps: tuple[FunnelStep, ...]
    groups: tuple[FunnelGroup, ...] = ()


class Period(StrEnum):
    """Of a calendar: weeks begin on Mondays."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Returning(StrEnum):
    """When somebody counts as having returned: in that period, or in that or any later one."""

    ON = "on"
    UNBOUNDED = "unbounded"


class RetentionQuery(Model):
    """Who comes back.

    Attributes:
        periods: How many are looked at after the one that somebody came in first.
    """

    org_id: UUID
    range: Range
    first: Matching
    returning: Matching
    period: Period
    zone: str
    periods: int
    mode: Returning


class Cohort(Model):
    """Those who came first in one period; None for all of them together.

    Attributes:
        eligible: How many of them could be seen in the nth period: it began before the range's end.
        returned: How many of those came back in it.
    """

    start: date | None
    users: int
    eligible: tuple[int, ...]
    returned: tuple[int, ...]


class Retention(Model):
    """Everybody, and by the period that they came in first."""

    total: Cohort
    cohorts: tuple[Cohort, ...]


class Interval(StrEnum):
    """What counts are told by."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class CountQuery(Model):
    """How many events there were, by name and interval; no names are all of them."""

    org_id: UUID
    range: Range
    names: tuple[str, ...]
    interval: Interval
    zone: str


class Count(Model):
    """The events of a name in an interval, and the exact number of people who did them."""

    name: str
    start: datetime
    events: int
    users: int


class EventQuery(Model):
    """Which events to list, the newest first.

    Attributes:
        before: The moment and the key of the last one that was shown.
    """

    org_id: UUID
    range: Range
    name: str | None
    user_id: str | None
    before: tuple[datetime, UUID] | None
    limit: int


class ListedEvent(Model):
    """An event as it is shown; `key` is what it is kept under."""

    key: UUID
    id: str
    name: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    timestamp: datetime
    received_at: datetime
    skew_ms: int
    origin: str
    properties: Mapping[str, Json]
    schema_version: int | None
    violations: tuple[str, ...]
