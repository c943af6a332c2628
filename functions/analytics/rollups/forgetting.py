"""Forgetting: the names of people who were erased, in rollups that outlive the calls that they are made of.

The finest rollups come first, and coarser ones get a fence of their own afterwards: whoever rolls up meanwhile has
either an earlier fence, and is not read, or reads what names nobody any more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from analytics.deadlines import Deadline
from analytics.rollups.folding import Groups, Rollup, groups_of
from analytics.rollups.models import FINER, OTHERS, Granularity, GroupingSet, Unit
from analytics.rollups.ports import Part
from analytics.rollups.tallies import Tally, user_hash

_DAYS_AT_ONCE: Final = 64
_COUNTING: Final[Mapping[Granularity, tuple[GroupingSet, ...]]] = {
    Granularity.MINUTE: (GroupingSet.TOTAL,),
    Granularity.HOUR: (GroupingSet.TOTAL,),
    Granularity.DAY: (GroupingSet.TOTAL, GroupingSet.HOURS),
}
"""The grouping sets that have hashes of end users."""


class NamedRollups(Protocol):
    """Rollups with people in them. Everything raises StoreUnavailable and TooSlow."""

    async def starts(self, org_id: UUID, granularity: Granularity) -> Sequence[datetime]:
        """Of which units there are rollups, ascending."""
        ...

    async def fence(self) -> int:
        """A number above all that were given before."""
        ...

    async def units(
        self, org_id: UUID, granularity: Granularity, grouping: GroupingSet, starts: Sequence[datetime]
    ) -> Sequence[Part]:
        """The groups of units, with all that is counted."""
        ...

    async def amend(self, unit: Unit, rollup: Rollup, *, fence: int) -> None:
        """Keep some grouping sets of a unit instead of those that it has, and the others as they are."""
        ...


class Forgetting:
    """Takes names of end users out of rollups: what they used and cost stays, under nobody's name."""

    def __init__(self, rollups: NamedRollups) -> None:
        self._rollups = rollups

    async def forget(self, org_id: UUID, name: str, *, deadline: Deadline) -> int:
        """Have no rollup name an end user: how many did. Safe to repeat. Raises StoreUnavailable, TooSlow.

        Looks at every day, and at the hours and minutes of those days that may know the name.
        """
        found: dict[Granularity, list[datetime]] = {}
        starts: Sequence[datetime] = await self._rollups.starts(org_id, Granularity.DAY)
        for granularity in (Granularity.DAY, Granularity.HOUR, Granularity.MINUTE):
            found[granularity], suspects = await self._naming(org_id, granularity, starts, name, deadline)
            if granularity in FINER:
                finer = FINER[granularity].length
                parts = range(granularity.length // finer)
                starts = [start + finer * part for start in suspects for part in parts]
        for granularity in Granularity:
            fence = await self._rollups.fence()
            for start in found[granularity]:
                deadline.check()
                await self._amend(Unit(org_id, granularity, start), name, fence)
        return sum(map(len, found.values()))

    async def _naming(
        self, org_id: UUID, granularity: Granularity, starts: Sequence[datetime], name: str, deadline: Deadline
    ) -> tuple[list[datetime], list[datetime]]:
        """Units that have the name, and those whose parts may have it: small groups are folded in coarse rollups."""
        naming, suspects = set[datetime](), set[datetime]()
        hashed = user_hash(name)
        for first in range(0, len(starts), _DAYS_AT_ONCE):
            deadline.check()
            some = starts[first : first + _DAYS_AT_ONCE]
            for start, columns in await self._rollups.units(org_id, granularity, GroupingSet.END_USER, some):
                names = columns.values(0)
                if name in names:
                    naming.add(start)
                if name in names or OTHERS in names:
                    suspects.add(start)
            for grouping in _COUNTING[granularity]:
                for start, columns in await self._rollups.units(org_id, granularity, grouping, some):
                    if any(hashed in hashes for _, hashes in columns.users()):
                        naming.add(start)
                        suspects.add(start)
        return sorted(naming), sorted(suspects)

    async def _amend(self, unit: Unit, name: str, fence: int) -> None:
        counting = _COUNTING[unit.granularity]
        kept = {grouping: await self._groups(unit, grouping) for grouping in (GroupingSet.END_USER, *counting)}
        people = kept[GroupingSet.END_USER]
        if (name,) in people:
            nobody = Tally()
            for key in ((None,), (name,)):
                if (tally := people.pop(key, None)) is not None:
                    nobody.merge(tally)
            people[None,] = nobody
        for grouping in counting:
            for tally in kept[grouping].values():
                tally.users.discard(user_hash(name))
        await self._rollups.amend(unit, kept, fence=fence)

    async def _groups(self, unit: Unit, grouping: GroupingSet) -> Groups:
        groups: Groups = {}
        for _, columns in await self._rollups.units(unit.org_id, unit.granularity, grouping, [unit.start]):
            groups.update(groups_of(grouping, [columns]))
        return groups
