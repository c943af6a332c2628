"""Rolling up: minutes from calls, hours from minutes, days from hours; recomputed and replaced, never added to.

What changed is marked, minute by minute. An organization's marked units that are over are rolled up, their coarser
units are marked, and only then their own marks are cleared: whoever is killed in between leaves work, and never a
rollup that nobody would make again. A unit that is marked meanwhile stays marked. Two that roll up the same at once do
no harm: each has a fence, a number that it took before it read, and the rollup with the largest one is what is read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Final
from uuid import UUID

from analytics.rollups.folding import Folded, Rollup, merged
from analytics.rollups.models import COARSER, FINER, FINEST_SETS, Granularity, GroupingSet, Key, Unit
from analytics.rollups.planning import runs
from analytics.rollups.ports import Calls, Marks, Rollups
from analytics.rollups.tallies import Cell
from llmo_core.clock import Clock
from llmo_core.model import Model

CALLS_KEPT: Final = timedelta(days=30)
"""For how long every call is certainly kept: older rollups are only replaced by what counts as much."""

_LEASE: Final = timedelta(minutes=3)
_ORGANIZATIONS: Final = 200
_MARKS_AT_ONCE: Final = 200
_UNITS_AT_ONCE: Final[Mapping[Granularity, int]] = {
    Granularity.MINUTE: 240,
    Granularity.HOUR: 24,
    Granularity.DAY: 4,
}
_GAP: Final = 10  # minutes that are read without need, where that spares a read


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
        while marks := await self._marks.ready(org_id, granularity, now=self._clock.now(), limit=_MARKS_AT_ONCE):
            starts = sorted({start for mark in marks for start in mark.starts})
            for some in batched(starts, _UNITS_AT_ONCE[granularity], strict=False):
                if self._clock.now() >= until:
                    return done
                await self._replace([Unit(org_id, granularity, start) for start in some])
                done += len(some)
            if granularity in COARSER:
                coarser = [Unit(org_id, granularity, start).coarser for start in starts]
                await self._marks.mark(coarser, now=self._clock.now())
            await self._marks.clear(marks)
        return done

    async def _replace(self, units: Sequence[Unit]) -> None:
        fence = await self._rollups.fence()
        of_calls = units[0].granularity is Granularity.MINUTE
        made = await (self._of_calls(units) if of_calls else self._of_finer(units))
        await self._keep(made, fence=fence, now=self._clock.now())

    async def _keep(self, made: Mapping[Unit, Rollup], *, fence: int, now: datetime) -> None:
        recent = now - CALLS_KEPT
        await self._rollups.replace({unit: each for unit, each in made.items() if unit.start >= recent}, fence=fence)
        old = {unit: each for unit, each in made.items() if unit.start < recent}
        if old:
            await self._rollups.replace(old, fence=fence, never_less=True)

    async def _of_calls(self, units: Sequence[Unit]) -> Mapping[Unit, Rollup]:
        folded = {unit.start: Folded() for unit in units}
        ranges = list(runs(list(folded), Granularity.MINUTE, gap=_GAP))
        async for call in self._calls.read(units[0].org_id, ranges):
            if (minute := folded.get(call["minute"])) is not None:
                minute.add(call)
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
