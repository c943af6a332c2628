"""Reading: what calls add up to, from rollups where they are true, and from the calls themselves where not."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final
from uuid import UUID

from analytics.deadlines import Deadline
from analytics.models import Gap, TooManyGroups
from analytics.rollups.adding import Place, Sums
from analytics.rollups.columns import COUNTED
from analytics.rollups.folding import FIELDS
from analytics.rollups.models import FINEST_SETS, HOURLY, ROLLED, Granularity, GroupingSet, Value, hour_of
from analytics.rollups.planning import Range, Sources, by_day, sources
from analytics.rollups.ports import Calls, Marks, Rollups
from analytics.rollups.tallies import SKETCHES, Tally, pico, user_hash
from analytics.usage.models import KEPT, Dimension
from llmo_core.clock import Clock
from llmo_core.errors import Invalid

MOST_CALLS: Final = 500_000
MOST_GROUPS: Final = 400_000
_CHECKED_EVERY: Final = 1_000  # calls
_FIELDS: Final = {**dict(zip(ROLLED, FIELDS, strict=True)), Dimension.END_USER: "end_user"}

type Tallies = dict[Place, Tally]
"""By the index of the step, and the values of the dimensions."""


class TooManyCalls(Invalid):
    """This has to look at every single call, and there are too many. A shorter range is answered.

    What combines `end_user` with another dimension, or counts the unique users of a part, is not rolled up.
    """


@dataclass(frozen=True, slots=True)
class Look:
    """What of an organization's calls to add up.

    Attributes:
        steps: Ranges to tell apart, ascending and not overlapping.
        dimensions: Of ROLLED, or `end_user`.
        filters: By dimension, the values that calls may have.
        counts: The numbers that are needed, of COUNTED; others may be zero. `requests` always is there.
        sketches: The histograms that are needed: `latency`, `ttft`, `speed`.
        users: Whether unique users are counted.
    """

    org_id: UUID
    steps: Sequence[Range]
    dimensions: tuple[Dimension, ...] = ()
    filters: Mapping[Dimension, Collection[Value]] = field(default_factory=dict)
    counts: Collection[str] = COUNTED
    sketches: tuple[str, ...] = SKETCHES
    users: bool = False

    @property
    def drawn(self) -> Collection[str]:
        """What is read beside the exact numbers."""
        return {*self.sketches, *(["users"] if self.users else [])}

    @property
    def rolled(self) -> GroupingSet | None:
        """The grouping set that has what is needed; None where only calls do."""
        needed = {*self.dimensions, *self.filters}
        if not needed:
            return GroupingSet.TOTAL
        if self.users or (Dimension.END_USER in needed and len(needed) > 1):
            return None
        return GroupingSet(needed.pop()) if len(needed) == 1 else GroupingSet.ALL


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found, and why that may not be all."""

    tallies: Tallies
    gaps: frozenset[Gap]


class Reading:
    """Adds up calls.

    Args:
        calls_kept: For how long single calls are kept.
    """

    def __init__(
        self, *, calls: Calls, marks: Marks, rollups: Rollups, clock: Clock, calls_kept: timedelta = KEPT
    ) -> None:
        self._clock = clock
        self._calls_kept = calls_kept
        self._calls = calls
        self._marks = marks
        self._rollups = rollups

    async def tallies(self, look: Look, *, deadline: Deadline | None = None) -> Tallies:
        """What is looked for, without groups that have no calls.

        Raises StoreUnavailable, TooSlow, TooManyGroups, TooManyCalls.
        """
        return (await self.see(look, deadline=deadline)).tallies

    async def see(self, look: Look, *, deadline: Deadline | None = None) -> Seen:
        """The same, and whether it is all."""
        deadline = deadline or Deadline()
        look = replace(look, steps=[(_milliseconds(first), _milliseconds(last)) for first, last in look.steps])
        start, end = look.steps[0][0], look.steps[-1][1]
        adding = _Adding(look, deadline)
        if look.rolled is None:
            found = Sources(raw=[(start, end)])
        else:
            stale = await self._marks.stale(look.org_id, start, end, deadline=deadline)
            found = sources(look.steps, stale=stale)
            for granularity, starts in found.units.items():
                left = await self._add_by_day(adding, starts, stale) if granularity is Granularity.HOUR else starts
                await self._add_rollups(adding, granularity, left)
        await self._add_calls(adding, found.raw)
        gaps = {Gap.GROUPS_FOLDED} if adding.folded else set[Gap]()
        if look.rolled is None and start < self._clock.now() - self._calls_kept:
            gaps.add(Gap.CALLS_EXPIRED)
        return Seen(adding.tallies(), frozenset(gaps))

    async def _add_by_day(
        self, adding: "_Adding", hours: Sequence[datetime], stale: Collection[tuple[Granularity, datetime]]
    ) -> Sequence[datetime]:
        """Add hours that their days have: those that are left."""
        look = adding.look
        grouping = HOURLY.get(look.rolled) if look.rolled is not None else None
        if grouping is None:
            return hours
        days, left = by_day(hours, stale=stale)
        if not days:
            return left
        parts = self._rollups.parts(
            look.org_id, Granularity.DAY, grouping, list(days), sketches=look.drawn, deadline=adding.deadline
        )
        async for day, columns in parts:
            adding.deadline.check()
            steps: dict[Value, int] = {hour_of(hour.hour): adding.step(hour) for hour in days.pop(day)}
            adding.sums(grouping).add_hours(steps, columns)
            adding.check()
        return sorted([*left, *chain.from_iterable(days.values())])

    async def _add_rollups(self, adding: "_Adding", granularity: Granularity, starts: Sequence[datetime]) -> None:
        look = adding.look
        if not starts or look.rolled is None:
            return
        finest = granularity is Granularity.MINUTE and look.rolled not in FINEST_SETS
        grouping = GroupingSet.ALL if finest else look.rolled
        sums = adding.sums(grouping)
        parts = self._rollups.parts(
            look.org_id, granularity, grouping, starts, sketches=look.drawn, deadline=adding.deadline
        )
        async for start, columns in parts:
            adding.deadline.check()
            sums.add(adding.step(start), columns)
            adding.check()

    async def _add_calls(self, adding: "_Adding", ranges: Sequence[Range]) -> None:
        if not ranges:
            return
        read = 0
        async for call in self._calls.read(adding.look.org_id, ranges, deadline=adding.deadline):
            read += 1
            if read > MOST_CALLS:
                raise TooManyCalls
            if read % _CHECKED_EVERY == 0:
                adding.deadline.check()
            adding.add_call(call)


class _Adding:
    """What is being added up."""

    def __init__(self, look: Look, deadline: Deadline) -> None:
        self.look = look
        self.deadline = deadline
        self._sums: dict[GroupingSet, Sums] = {}
        self._called: Tallies = {}
        self._starts = [start for start, _ in look.steps]
        self._fields = [_FIELDS[dimension] for dimension in look.dimensions]
        self._wanted = [(_FIELDS[dimension], frozenset(values)) for dimension, values in look.filters.items()]

    def check(self) -> None:
        """Raise TooManyGroups where there are."""
        if sum(map(len, self._sums.values())) + len(self._called) > MOST_GROUPS:
            raise TooManyGroups

    def step(self, moment: datetime) -> int:
        """The index of the step that a moment lies in."""
        return bisect_right(self._starts, moment) - 1

    def sums(self, grouping: GroupingSet) -> Sums:
        """What columns of a grouping set are added to."""
        look, of = self.look, grouping.dimensions
        if grouping not in self._sums:
            self._sums[grouping] = Sums(
                [of.index(dimension) for dimension in look.dimensions],
                wanted={of.index(dimension): values for dimension, values in look.filters.items()},
                counts=look.counts,
                sketches=look.sketches,
                users=look.users,
            )
        return self._sums[grouping]

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Count a call, if it is wanted."""
        if any(_text(call, field) not in values for field, values in self._wanted):
            return
        place = (self.step(call["started_at"]), tuple([_text(call, field) for field in self._fields]))
        tally = self._called.setdefault(place, Tally())
        tally.add_call(call)
        tally.add_dollars(pico(call["cost_usd"]), pico(call["saved_usd"]))
        if self.look.users and (user := call.get("end_user")) is not None:
            tally.users.add(user_hash(user))

    @property
    def folded(self) -> bool:
        """Whether wanted calls may be in groups of which nobody knows any more."""
        return any(each.folded for each in self._sums.values())

    def tallies(self) -> Tallies:
        """Everything together, without groups that have no calls."""
        together: Tallies = {}
        for part in [*[each.tallies() for each in self._sums.values()], self._called]:
            for place, tally in part.items():
                if place in together:
                    together[place].merge(tally)
                else:
                    together[place] = tally
        return {place: tally for place, tally in together.items() if tally.requests}


def _milliseconds(moment: datetime) -> datetime:
    """A moment as the store compares it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _text(call: Mapping[str, Any], field: str) -> Value:
    value = call.get(field)
    return None if value is None else str(value)
