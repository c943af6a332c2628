"""Figures of functions and queues, step by step and over a whole range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.errors import Forbidden, Invalid, Unavailable

LONGEST: Final = timedelta(days=30)
MOST_STEPS: Final = 750
_PREFERRED_STEPS: Final = 200
_DEAD: Final = "-dead"


class NotTheOperator(Forbidden):
    """The figures of the platform itself are for the organization that operates it."""


class MetricsUnavailable(Unavailable):
    """CloudWatch does not answer at the moment, or does not let this function ask."""


class TooLongAgo(Invalid):
    """CloudWatch keeps minutes for 15 days, five minutes for 63 days and hours for 455 days."""


class TooManySteps(Invalid):
    """A range of this length has too many steps of this interval."""


class RangeTooLong(Invalid):
    """At most 30 days are looked at."""


class Interval(StrEnum):
    """How long a step is."""

    MINUTE = "minute"
    FIVE_MINUTES = "five_minutes"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long that is."""
        return _LENGTHS[self]

    @property
    def kept(self) -> timedelta:
        """How long ago it may begin.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
        """
        return _KEPT[self]


_LENGTHS: Final[Mapping[Interval, timedelta]] = {
    Interval.MINUTE: timedelta(minutes=1),
    Interval.FIVE_MINUTES: timedelta(minutes=5),
    Interval.HOUR: timedelta(hours=1),
    Interval.DAY: timedelta(days=1),
}
_KEPT: Final[Mapping[Interval, timedelta]] = {
    Interval.MINUTE: timedelta(days=15),
    Interval.FIVE_MINUTES: timedelta(days=63),
    Interval.HOUR: timedelta(days=455),
    Interval.DAY: timedelta(days=455),
}


@dataclass(frozen=True, slots=True)
class Window:
    """The steps that are looked at: whole ones, from `start`, until `end`, which is exclusive."""

    start: datetime
    end: datetime
    interval: Interval

    @classmethod
    def of(cls, start: datetime, end: datetime, interval: Interval | None, *, now: datetime) -> "Window":
        """The whole steps that hold a range; without an interval, the shortest that makes at most 200 of them.

        Raises RangeTooLong, TooManySteps, TooLongAgo.
        """
        if end - start > LONGEST:
            raise RangeTooLong
        kept = [each for each in Interval if now - start <= each.kept]
        if not kept or (interval is not None and interval not in kept):
            raise TooLongAgo
        chosen = interval or next((each for each in kept if (end - start) / each.length <= _PREFERRED_STEPS), kept[-1])
        if (end - start) / chosen.length > MOST_STEPS:
            raise TooManySteps(f"At most {MOST_STEPS} steps are shown; {chosen} makes more of this range.")
        length = chosen.length
        first = start - (start - datetime.fromtimestamp(0, start.tzinfo)) % length
        steps = -((first - end) // length)
        return cls(first, first + steps * length, chosen)


class Operator:
    """The organization that operates the deployment.

    Args:
        org_id: None where nobody does.
    """

    def __init__(self, org_id: UUID | None) -> None:
        self._org_id = org_id

    def require(self, principal: Principal) -> None:
        """Raises NotTheOperator."""
        if self._org_id is None or principal.org_id != self._org_id:
            raise NotTheOperator


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """What a function did in a step, or in all.

    Attributes:
        average, p50, p95, p99: How long invocations took, in milliseconds; None where there were none.
        errors: Invocations that raised, were killed, or ran out of time.
        throttles: Invocations that were refused, since as many ran already as may.
        cold_starts: Processes that began with an invocation.
    """

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    average: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """What waited in a queue in a step, or in all.

    Attributes:
        oldest: The longest that a message had waited, in seconds; None where CloudWatch says nothing.
        waiting: The most messages that could be received at once.
    """

    oldest: float | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Figures[Kind]:
    """A function's or a queue's figures: of the whole window, and of the steps of which CloudWatch knows something."""

    name: str
    total: Kind
    steps: Mapping[datetime, Kind]


@dataclass(frozen=True, slots=True)
class PlatformFigures:
    """How the platform did.

    Attributes:
        complete: False when CloudWatch answered for a part of the figures only.
    """

    window: Window
    functions: Sequence[Figures[FunctionFigures]]
    queues: Sequence[Figures[QueueFigures]]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Names:
    """Which functions and queues are the platform's own, among all of an account's.

    Attributes:
        prefix: What the names of a stage's functions and queues begin with; stages have no hyphens in theirs.
    """

    prefix: str

    def own(self, physical: str) -> str | None:
        """A name without what all begin with; None when it is not of this stage."""
        return physical.removeprefix(self.prefix) if physical.startswith(self.prefix) else None


def takes_dead_letters(queue: str) -> bool:
    """Whether it is a queue of messages that could not be handled, by its name."""
    return queue.endswith(_DEAD)
