"""What rollups are made of, and where they and what is to be done about them are kept."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from analytics.deadlines import Deadline
from analytics.rollups.columns import Columns
from analytics.rollups.folding import Rollup
from analytics.rollups.models import Granularity, GroupingSet, Mark, Unit
from analytics.rollups.planning import Range
from analytics.rollups.tallies import SKETCHES

type Part = tuple[datetime, Columns]
"""The start of a unit, and its groups."""

EVERY_SKETCH: Final = frozenset({*SKETCHES, "users"})


class Calls(Protocol):
    """The LLM calls of organizations, each once. Everything raises StoreUnavailable and TooSlow."""

    def read(
        self, org_id: UUID, ranges: Sequence[Range], *, deadline: Deadline | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Calls that started in any of the ranges, in no order: as the usage store keeps them, dollars as Decimal."""
        ...

    async def minutes(self, org_id: UUID | None, start: datetime, end: datetime) -> Sequence[Unit]:
        """Minutes in which there are calls: of one organization, or of all."""
        ...


class Marks(Protocol):
    """Units whose rollups are not what the calls say any more. Everything raises StoreUnavailable and TooSlow."""

    async def mark(self, units: Iterable[Unit], *, now: datetime) -> None:
        """Have these be rolled up again, once they are over."""
        ...

    async def clear(self, marks: Iterable[Mark]) -> None:
        """Forget marks. Those that were made since for the same units stay."""
        ...

    async def organizations(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Who has units that are over and marked, the longest-waiting first."""
        ...

    async def ready(self, org_id: UUID, granularity: Granularity, *, now: datetime, limit: int) -> Sequence[Mark]:
        """Marks whose units are all over, the oldest first."""
        ...

    async def stale(
        self, org_id: UUID, start: datetime, end: datetime, *, deadline: Deadline | None = None
    ) -> Sequence[tuple[Granularity, datetime]]:
        """Marked units that overlap a range, whether they are over or not."""
        ...

    async def oldest(self) -> datetime | None:
        """Since when the unit has been ready that waits longest."""
        ...

    async def take(self, org_id: UUID, *, now: datetime, until: datetime) -> bool:
        """Lease an organization, so that nobody else does its work meanwhile; False when somebody has it."""
        ...

    async def release(self, org_id: UUID, *, until: datetime) -> None:
        """End the lease that would have ended then, and no later one."""
        ...


class Rollups(Protocol):
    """Rollups of organizations. Everything raises StoreUnavailable and TooSlow."""

    async def fence(self) -> int:
        """A number above all that were given before."""
        ...

    async def replace(self, rollups: Mapping[Unit, Rollup], *, fence: int, never_less: bool = False) -> None:
        """Keep rollups instead of those that there are, but for those that were written with a later fence.

        Args:
            rollups: By unit.
            fence: Given before their parts were read: what was read later may know more, and stays.
            never_less: Whether a rollup that counts more calls stays too, since its calls may have expired.
        """
        ...

    def parts(
        self,
        org_id: UUID,
        granularity: Granularity,
        grouping: GroupingSet,
        starts: Sequence[datetime],
        *,
        sketches: Collection[str] = EVERY_SKETCH,
        deadline: Deadline | None = None,
    ) -> AsyncIterator[Part]:
        """The groups of units, in no order; of histograms and users, `users`, those that are wanted."""
        ...
