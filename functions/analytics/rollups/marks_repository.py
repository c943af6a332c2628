"""What is to be rolled up, in MongoDB: `rollup_marks`, one document per marked unit, and `rollup_leases`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DeleteOne, IndexModel, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from analytics.rollups.models import Granularity, Mark, Unit
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_core.ids import new_id
from llmo_data.mongo import Document

MARKS: Final = "rollup_marks"
LEASES: Final = "rollup_leases"
SETTLING: Final = timedelta(seconds=5)  # what arrives in time for a minute is there by then, and is not rolled up twice
_AT_ONCE: Final = 1_000
_INDEXES: Final = [
    IndexModel([("ready_at", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("granularity", ASCENDING), ("start", ASCENDING)]),
]


class MongoMarks:
    """The marks of all organizations."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._marks = database[MARKS]
        self._leases = database[LEASES]
        self._indexed = False

    async def mark(self, units: Iterable[Unit], *, now: datetime) -> None:
        """Have these be rolled up again, once they are over."""
        with store_errors():
            if not self._indexed:
                await self._marks.create_indexes(_INDEXES)
                self._indexed = True
            for some in batched(dict.fromkeys(units), _AT_ONCE, strict=False):
                await self._marks.bulk_write([_marking(unit, now) for unit in some], ordered=False)

    async def clear(self, marks: Iterable[Mark]) -> None:
        """Forget marks, unless their units were marked again since they were read."""
        deletions = [DeleteOne({"_id": _id(mark.unit), "version": mark.version}) for mark in marks]
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
        """Marked units that are over, the oldest first."""
        wanted = {"org_id": org_id, "granularity": granularity, "ready_at": {"$lte": now}}
        with store_errors():
            found = self._marks.find(wanted).sort("start", ASCENDING).limit(limit).max_time_ms(MAX_TIME_MS)
            return [Mark(Unit(org_id, granularity, each["start"]), each["version"]) async for each in found]

    async def stale(self, org_id: UUID, start: datetime, end: datetime) -> Sequence[tuple[Granularity, datetime]]:
        """Marked units that overlap a range, whether they are over or not."""
        from_ = Granularity.DAY.floor(start)
        wanted = {"org_id": org_id, "start": {"$gte": from_, "$lt": end}}
        with store_errors():
            found = self._marks.find(wanted, {"_id": 0, "granularity": 1, "start": 1}).max_time_ms(MAX_TIME_MS)
            return [(Granularity(each["granularity"]), each["start"]) async for each in found]

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

    async def release(self, org_id: UUID) -> None:
        """End the lease."""
        with store_errors():
            await self._leases.delete_one({"_id": org_id})


def _marking(unit: Unit, now: datetime) -> UpdateOne:
    said = {
        "org_id": unit.org_id,
        "granularity": unit.granularity.value,
        "start": unit.start,
        "version": new_id().hex,
        "marked_at": now,
        "ready_at": unit.end + SETTLING,
    }
    return UpdateOne({"_id": _id(unit)}, {"$set": said}, upsert=True)


def _id(unit: Unit) -> str:
    return f"{unit.org_id}/{unit.granularity}/{unit.start.isoformat()}"
