"""What is to be rolled up, in MongoDB: `rollup_marks`, one document for each marking, and `rollup_leases`.

Marks are inserted and never changed, which servers are quickest at.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DeleteOne, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from analytics.deadlines import Deadline
from analytics.rollups.models import COARSER, Granularity, Mark, Unit
from analytics.storage import MAX_TIME_MS, milliseconds, store_errors
from llmo_core.ids import new_id
from llmo_data.mongo import Document

MARKS: Final = "rollup_marks"
LEASES: Final = "rollup_leases"
SETTLING: Final = timedelta(seconds=5)  # what arrives in time for a minute is there by then, and is not rolled up twice
_AT_ONCE: Final = 1_000
_REMEMBERED: Final = 10_000
_INDEXES: Final = [
    IndexModel([("ready_at", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("granularity", ASCENDING), ("ready_at", ASCENDING)]),
]


class MongoMarks:
    """The marks of all organizations."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._marks = database[MARKS]
        self._leases = database[LEASES]
        self._indexed = False
        self._open: set[Unit] = set()

    async def mark(self, units: Iterable[Unit], *, now: datetime) -> None:
        """Have these be rolled up again, once they are over."""
        self._open = {unit for unit in self._open if unit.end > now}  # nobody has cleared the marks of these yet
        wanted = set(units) - self._open
        if not wanted:
            return
        with store_errors():
            if not self._indexed:
                await self._marks.create_indexes(_INDEXES)
                self._indexed = True
            for some in batched(_marks(wanted, now), _AT_ONCE, strict=False):
                await self._marks.insert_many(some, ordered=False)
        if len(self._open) < _REMEMBERED:
            self._open |= {unit for unit in wanted if unit.end > now}

    async def clear(self, marks: Iterable[Mark]) -> None:
        """Forget marks. Those that were made since for the same units stay."""
        deletions = [DeleteOne({"_id": mark.id}) for mark in marks]
        if deletions:
            with store_errors():
                await self._marks.bulk_write(deletions, ordered=False)

    async def organizations(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Who has units that are over and marked, the longest-waiting first."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"ready_at": {"$lte": now}}},
            {"$group": {"_id": "$org_id", "since": {"$min": "$ready_at"}}},
            {"$sort": {"since": 1}},
            {"$limit": limit},
        ]
        with store_errors():
            found = await self._marks.aggregate(pipeline, maxTimeMS=MAX_TIME_MS)
            return [each["_id"] async for each in found]

    async def ready(self, org_id: UUID, granularity: Granularity, *, now: datetime, limit: int) -> Sequence[Mark]:
        """Marks whose units are all over, the oldest first."""
        wanted = {"org_id": org_id, "granularity": granularity.value, "ready_at": {"$lte": now}}
        with store_errors():
            found = self._marks.find(wanted).sort("ready_at", ASCENDING).limit(limit).max_time_ms(MAX_TIME_MS)
            return [Mark(each["_id"], org_id, granularity, tuple(each["starts"])) async for each in found]

    async def stale(
        self, org_id: UUID, start: datetime, end: datetime, *, deadline: Deadline | None = None
    ) -> Sequence[tuple[Granularity, datetime]]:
        """Marked units that overlap a range, whether they are over or not."""
        stale: set[tuple[Granularity, datetime]] = set()
        with store_errors(deadline):
            # Coarser units are marked before the marks of finer ones are cleared: in this order none is missed.
            for granularity in Granularity:
                found = self._marks.find({"org_id": org_id, "granularity": granularity.value}, {"_id": 0, "starts": 1})
                async for each in found.max_time_ms(milliseconds(deadline)):
                    overlapping = [at for at in each["starts"] if at < end and at + granularity.length > start]
                    stale |= {(granularity, at) for at in overlapping}
        return sorted(stale)

    async def oldest(self) -> datetime | None:
        """Since when the unit has been ready that waits longest."""
        with store_errors():
            found = await self._marks.find_one({}, sort=[("ready_at", ASCENDING)])
        return found["ready_at"] if found else None

    async def take(self, org_id: UUID, *, now: datetime, until: datetime) -> bool:
        """Lease an organization, so that nobody else does its work meanwhile; False when somebody has it."""
        with store_errors():
            try:
                await self._leases.update_one(
                    {"_id": org_id, "until": {"$lte": now}}, {"$set": {"until": until}}, upsert=True
                )
            except DuplicateKeyError:
                return False
        return True

    async def release(self, org_id: UUID, *, until: datetime) -> None:
        """End the lease that would have ended then, and no later one."""
        with store_errors():
            await self._leases.delete_one({"_id": org_id, "until": until})


def _marks(units: Iterable[Unit], now: datetime) -> list[Document]:
    """A mark for units that are parts of the same coarser one, and are ready; others wait for themselves."""
    together: defaultdict[tuple[UUID, Granularity, datetime], list[Unit]] = defaultdict(list)
    for unit in units:
        ready = unit.end + SETTLING <= now
        within = unit.coarser.start if unit.granularity in COARSER and ready else unit.start
        together[unit.org_id, unit.granularity, within].append(unit)
    return [
        {
            "_id": new_id().hex,
            "org_id": org_id,
            "granularity": granularity.value,
            "starts": sorted(unit.start for unit in some),
            "ready_at": max(now, max(unit.end for unit in some) + SETTLING),
        }
        for (org_id, granularity, _), some in together.items()
    ]
