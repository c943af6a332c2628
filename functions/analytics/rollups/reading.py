"""Reading: what calls add up to, from rollups where they are true, and from the calls themselves where not."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from analytics.models import TooManyGroups
from analytics.rollups.folding import FIELDS
from analytics.rollups.models import FINEST_SETS, ROLLED, Granularity, GroupingSet, Key, Value
from analytics.rollups.planning import Range, Sources, sources
from analytics.rollups.ports import Calls, Marks, Rollups
from analytics.rollups.tallies import Tally, pico, user_hash
from analytics.usage.models import Dimension
from llmo_core.errors import Invalid

MOST_CALLS: Final = 500_000
MOST_GROUPS: Final = 400_000
_FIELDS: Final = {**dict(zip(ROLLED, FIELDS, strict=True)), Dimension.END_USER: "end_user"}

type Tallies = dict[tuple[int, Key], Tally]
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
        sketches: The histograms that are needed: `latency`, `ttft`, `speed`.
        users: Whether unique users are counted.
    """

    org_id: UUID
    steps: Sequence[Range]
    dimensions: tuple[Dimension, ...] = ()
    filters: Mapping[Dimension, Collection[Value]] = field(default_factory=dict)
    sketches: tuple[str, ...] = ("latency", "ttft", "speed")
    users: bool = False

    @property
    def rolled(self) -> GroupingSet | None:
        """The grouping set that has what is needed; None where only calls do."""
        needed = {*self.dimensions, *self.filters}
        if not needed:
            return GroupingSet.TOTAL
        if self.users or (Dimension.END_USER in needed and len(needed) > 1):
            return None
        return GroupingSet(needed.pop()) if len(needed) == 1 else GroupingSet.ALL


class Reading:
    """Adds up calls."""

    def __init__(self, *, calls: Calls, marks: Marks, rollups: Rollups) -> None:
        self._calls = calls
        self._marks = marks
        self._rollups = rollups

    async def tallies(self, look: Look) -> Tallies:
        """What is looked for, without groups that have no calls. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        look = replace(look, steps=[(_milliseconds(first), _milliseconds(last)) for first, last in look.steps])
        start, end = look.steps[0][0], look.steps[-1][1]
        adding = _Adding(look)
        if look.rolled is None:
            found = Sources(raw=[(start, end)])
        else:
            found = sources(look.steps, stale=await self._marks.stale(look.org_id, start, end))
            for granularity, starts in found.units.items():
                await self._add_rollups(adding, look, granularity, starts)
        await self._add_calls(adding, look.org_id, found.raw)
        return {place: tally for place, tally in adding.tallies.items() if tally.requests}

    async def _add_rollups(
        self, adding: "_Adding", look: Look, granularity: Granularity, starts: Sequence[datetime]
    ) -> None:
        if not starts or look.rolled is None:
            return
        finest = granularity is Granularity.MINUTE and look.rolled not in FINEST_SETS
        grouping = GroupingSet.ALL if finest else look.rolled
        picking = _Picking(grouping, look)
        read = 0
        drawn = bool(look.sketches) or look.users
        found = self._rollups.parts(look.org_id, granularity, grouping, starts, sketches=drawn)
        async for start, key, cell in found:
            read += 1
            if read > MOST_GROUPS:
                raise TooManyGroups
            if (group := picking.group(key)) is not None:
                adding.at(start, group).merge_cell(cell, sketches=look.sketches, users=look.users)

    async def _add_calls(self, adding: "_Adding", org_id: UUID, ranges: Sequence[Range]) -> None:
        if not ranges:
            return
        read = 0
        async for call in self._calls.read(org_id, ranges):
            read += 1
            if read > MOST_CALLS:
                raise TooManyCalls
            adding.add_call(call)


class _Adding:
    """Tallies that are being added to."""

    def __init__(self, look: Look) -> None:
        self.tallies: Tallies = {}
        self._starts = [start for start, _ in look.steps]
        self._fields = [_FIELDS[dimension] for dimension in look.dimensions]
        self._wanted = [(_FIELDS[dimension], frozenset(values)) for dimension, values in look.filters.items()]
        self._users = look.users

    def at(self, moment: datetime, group: Key) -> Tally:
        """The tally of a group in the step that a moment lies in."""
        place = (bisect_right(self._starts, moment) - 1, group)
        tally = self.tallies.get(place)
        if tally is None:
            tally = self.tallies[place] = Tally()
        return tally

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Count a call, if it is wanted."""
        if any(_text(call, field) not in values for field, values in self._wanted):
            return
        tally = self.at(call["started_at"], tuple([_text(call, field) for field in self._fields]))
        tally.add_call(call)
        tally.add_dollars(pico(call["cost_usd"]), pico(call["saved_usd"]))
        if self._users and (user := call.get("end_user")) is not None:
            tally.users.add(user_hash(user))


class _Picking:
    """Finds groups in keys of a grouping set."""

    def __init__(self, grouping: GroupingSet, look: Look) -> None:
        of = grouping.dimensions
        self._indexes = [of.index(dimension) for dimension in look.dimensions]
        self._wanted = [(of.index(dimension), frozenset(values)) for dimension, values in look.filters.items()]

    def group(self, key: Key) -> Key | None:
        """The group of a key; None where the key is not wanted."""
        if any(key[index] not in values for index, values in self._wanted):
            return None
        return tuple([key[index] for index in self._indexes])


def _milliseconds(moment: datetime) -> datetime:
    """A moment as the store compares it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _text(call: Mapping[str, Any], field: str) -> Value:
    value = call.get(field)
    return None if value is None else str(value)
