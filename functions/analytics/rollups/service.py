"""Rolling up: minutes from calls, hours from minutes, days from hours; recomputed and replaced, never added to.

What changed is marked, minute by minute. An organization's marked units that are over are rolled up, their coarser
units are marked, and only then their own marks are cleared: whoever is killed in between leaves work, and never a
rollup that nobody would make again. A unit that is marked meanwhile stays marked. Two that roll up the same at once do
no harm: each has a fence, a number that it took before it read, and the rollup with the largest one is what is read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from analytics.models import StoreUnavailable
from analytics.rollups.folding import Folded, Rollup, by_hour, merged
from analytics.rollups.models import COARSER, FINER, SHEETS, Granularity, GroupingSet, Mark, Unit
from analytics.rollups.planning import runs
from analytics.rollups.ports import Calls, Marks, Part, Rollups
from llmo_core.clock import Clock
from llmo_core.model import Model
from llmo_core.observability import logger

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
        failed: How many organizations' rollups could not be made.
    """

    units: int
    finished: bool
    failed: int = 0


class Rolling:
    """Rolls up what is marked."""

    def __init__(self, *, calls: Calls, marks: Marks, rollups: Rollups, clock: Clock) -> None:
        self._calls = calls
        self._marks = marks
        self._rollups = rollups
        self._clock = clock

    async def roll(self, *, until: datetime) -> Rolled:
        """Roll up whatever is ready, organization by organization, until then. Safe to run twice at once.

        An organization whose rollups fail is left for the next turn, and stops no other one. Raises StoreUnavailable.
        """
        units, failed = 0, set[UUID]()
        while organizations := await self._waiting(failed):
            done = 0
            for org_id in organizations:
                if self._clock.now() >= until:
                    return Rolled(units=units + done, finished=False, failed=len(failed))
                try:
                    done += await self._organization(org_id, until)
                except StoreUnavailable:  # for everybody
                    raise
                except Exception:  # noqa: BLE001 - whatever it is, it is logged, counted, and stops nobody else's
                    logger().exception("an organization's usage was not rolled up", extra={"org_id": str(org_id)})
                    failed.add(org_id)
            units += done
            if not done:  # others are at work on what is left
                return Rolled(units=units, finished=False, failed=len(failed))
        return Rolled(units=units, finished=not failed, failed=len(failed))

    async def _waiting(self, failed: Collection[UUID]) -> Sequence[UUID]:
        found = await self._marks.organizations(now=self._clock.now(), limit=_ORGANIZATIONS + len(failed))
        return [org_id for org_id in found if org_id not in failed]

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
        ends = now + _LEASE
        if not await self._marks.take(org_id, now=now, until=ends):
            return 0
        try:
            return sum([await self._all_of(org_id, granularity, until) for granularity in Granularity])
        finally:
            await self._marks.release(org_id, until=ends)

    async def _all_of(self, org_id: UUID, granularity: Granularity, until: datetime) -> int:
        done = 0
        while marks := await self._marks.ready(org_id, granularity, now=self._clock.now(), limit=_MARKS_AT_ONCE):
            for some in _together(marks, _UNITS_AT_ONCE[granularity]):
                if self._clock.now() >= until:
                    return done
                units = [
                    Unit(org_id, granularity, start) for start in sorted({at for mark in some for at in mark.starts})
                ]
                await self._replace(units)
                if granularity in COARSER:
                    await self._marks.mark([unit.coarser for unit in units], now=self._clock.now())
                await self._marks.clear(some)
                done += len(units)
        return done

    async def _replace(self, units: Sequence[Unit]) -> None:
        fence = await self._rollups.fence()
        if units[0].granularity is Granularity.MINUTE:
            await self._keep(await self._of_calls(units), fence=fence)
            return
        for unit in units:  # one at a time: those of busy days are large
            parts = await self._parts(unit)
            made = merged({grouping: [columns for _, columns in some] for grouping, some in parts.items()})
            if unit.granularity is Granularity.DAY:
                made = {**made, **by_hour(parts)}
            await self._keep({unit: made}, fence=fence)

    async def _keep(self, made: Mapping[Unit, Rollup], *, fence: int) -> None:
        recent = self._clock.now() - CALLS_KEPT
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

    async def _parts(self, unit: Unit) -> Mapping[GroupingSet, Sequence[Part]]:
        finer = FINER[unit.granularity]
        starts = [unit.start + finer.length * index for index in range(unit.granularity.length // finer.length)]
        kept = {grouping for sets in SHEETS[finer].values() for grouping in sets}
        return {
            grouping: [part async for part in self._rollups.parts(unit.org_id, finer, grouping, starts)]
            for grouping in kept
        }


def _together(marks: Sequence[Mark], most: int) -> Iterator[list[Mark]]:
    """Marks of about so many units at a time."""
    some: list[Mark] = []
    for mark in marks:
        some.append(mark)
        if sum(len(each.starts) for each in some) >= most:
            yield some
            some = []
    if some:
        yield some
