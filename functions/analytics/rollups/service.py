"""Rolling up: minutes from calls, hours from minutes, days from hours; recomputed and replaced, never added to.

What changed is marked, minute by minute. An organization's marked units that are over are rolled up, their coarser
units are marked, and only then their own marks are cleared: whoever is killed in between leaves work, and never a
rollup that nobody would make again. A unit that is marked meanwhile stays marked. Two that roll up the same at once do
no harm: each has a fence, a number that it took before it read, and writes nothing over a later one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from analytics.rollups.folding import Folded, Rollup, merged
from analytics.rollups.models import COARSER, FINER, FINEST_SETS, Granularity, GroupingSet, Key, Unit
from analytics.rollups.planning import Range
from analytics.rollups.ports import Calls, Marks, Rollups
from analytics.rollups.tallies import Cell
from llmo_core.clock import Clock
from llmo_core.model import Model

CALLS_KEPT: Final = timedelta(days=30)
"""For how long every call is certainly kept: older rollups are only replaced by what counts as much."""

_LEASE: Final = timedelta(minutes=3)
_ORGANIZATIONS: Final = 200
_UNITS_AT_ONCE: Final[Mapping[Granularity, int]] = {
    Granularity.MINUTE: 120,
    Granularity.HOUR: 12,
    Granularity.DAY: 4,
}


class Rolled(Model):
    """What was done.

    Attributes:
        units: How many were rolled up.
        finished: Whether nothing that was ready is left.
    """

    units: int
    finished: bool


class Rolling:
    """Rolls up what is marked."""

    def __init__(self, *, calls: Calls, marks: Marks, rollups: Rollups, clock: Clock) -> None:
        self._calls = calls
        self._marks = marks
        self._rollups = rollups
        self._clock = clock

    async def roll(self, *, until: datetime) -> Rolled:
        """Roll up whatever is ready, organization by organization, until then. Safe to run twice at once."""
        units = 0
        while organizations := await self._marks.organizations(now=self._clock.now(), limit=_ORGANIZATIONS):
            done = 0
            for org_id in organizations:
                if self._clock.now() >= until:
                    return Rolled(units=units + done, finished=False)
                done += await self._organization(org_id, until)
            units += done
            if not done:  # others are at work on what is left
                return Rolled(units=units, finished=False)
        return Rolled(units=units, finished=True)

    async def rebuild(self, *, start: datetime, end: datetime, org_id: UUID | None = None) -> int:
        """Have what there are calls of be rolled up again: how many minutes. Rollups without calls stay."""
        minutes = await self._calls.minutes(org_id, start, end)
        await self._marks.mark(minutes, now=self._clock.now())
        return len(minutes)

    async def waiting(self) -> timedelta:
        """For how long the unit has been ready that waits longest."""
        oldest, now = await self._marks.oldest(), self._clock.now()
        return max(now - oldest, timedelta()) if oldest is not None else timedelta()

    async def _organization(self, org_id: UUID, until: datetime) -> int:
        now = self._clock.now()
        if not await self._marks.take(org_id, now=now, until=now + _LEASE):
            return 0
        try:
            return sum([await self._all_of(org_id, granularity, until) for granularity in Granularity])
        finally:
            await self._marks.release(org_id)

    async def _all_of(self, org_id: UUID, granularity: Granularity, until: datetime) -> int:
        done = 0
        while (now := self._clock.now()) < until:
            marks = await self._marks.ready(org_id, granularity, now=now, limit=_UNITS_AT_ONCE[granularity])
            if not marks:
                break
            fence = await self._rollups.fence()
            units = [mark.unit for mark in marks]
            made = await (self._of_calls(units) if granularity is Granularity.MINUTE else self._of_finer(units))
            await self._keep(made, fence=fence, now=now)
            if granularity in COARSER:
                await self._marks.mark([unit.coarser for unit in units], now=now)
            await self._marks.clear(marks)
            done += len(marks)
        return done

    async def _keep(self, made: Mapping[Unit, Rollup], *, fence: int, now: datetime) -> None:
        recent = now - CALLS_KEPT
        await self._rollups.replace({unit: each for unit, each in made.items() if unit.start >= recent}, fence=fence)
        old = {unit: each for unit, each in made.items() if unit.start < recent}
        if old:
            await self._rollups.replace(old, fence=fence, never_less=True)

    async def _of_calls(self, units: Sequence[Unit]) -> Mapping[Unit, Rollup]:
        folded = {unit.start: Folded() for unit in units}
        async for call in self._calls.read(units[0].org_id, list(_runs(units))):
            folded[call["minute"]].add(call)
        return {unit: folded[unit.start].rollup() for unit in units}

    async def _of_finer(self, units: Sequence[Unit]) -> Mapping[Unit, Rollup]:
        return {unit: merged(await self._parts(unit)) for unit in units}

    async def _parts(self, unit: Unit) -> list[tuple[GroupingSet, Key, Cell]]:
        finer = FINER[unit.granularity]
        starts = [unit.start + finer.length * index for index in range(unit.granularity.length // finer.length)]
        return [
            (grouping, key, cell)
            for grouping in FINEST_SETS
            async for _, key, cell in self._rollups.parts(unit.org_id, finer, grouping, starts)
        ]


def _runs(units: Sequence[Unit]) -> Iterator[Range]:
    """Ranges of units that follow upon each other. They are ascending."""
    start = end = units[0].start
    for unit in units:
        if unit.start != end:
            yield start, end
            start = unit.start
        end = unit.end
    yield start, end
