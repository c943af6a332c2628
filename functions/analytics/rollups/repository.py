"""Rollups in MongoDB: one document per unit and grouping set, in the collection `usage_rollups`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, IndexModel, ReplaceOne, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from analytics.models import StoreUnavailable
from analytics.rollups.folding import MOST_GROUPS, Groups, Rollup, largest
from analytics.rollups.models import Granularity, GroupingSet, Unit
from analytics.rollups.ports import Part
from analytics.rollups.tallies import COUNTS
from analytics.storage import MAX_TIME_MS, only_duplicates, store_errors
from llmo_core.clock import Clock
from llmo_data.mongo import Document

COLLECTION: Final = "usage_rollups"
FENCES: Final = "usage_rollup_fences"
MINUTES_KEPT: Final = timedelta(days=40)
_LARGEST_DOCUMENT: Final = 12_000_000  # bytes of cells; MongoDB takes 16 MiB
_CELL_OVERHEAD: Final = 400  # bytes of names, counts and dollars
_WRITTEN_AT_ONCE: Final = 500
_STARTS_AT_ONCE: Final = 1_000
_INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("granularity", ASCENDING), ("set", ASCENDING), ("start", ASCENDING)]),
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]


class MongoRollups:
    """The rollups of all organizations; every read names one.

    Args:
        minutes_kept: For how long rollups of minutes are kept after they were made; those of hours and days stay.
    """

    def __init__(
        self, database: AsyncDatabase[Document], *, clock: Clock, minutes_kept: timedelta = MINUTES_KEPT
    ) -> None:
        self._clock = clock
        self._minutes_kept = minutes_kept
        self._rollups = database[COLLECTION]
        self._fences = database[FENCES]
        self._indexed = False

    async def fence(self) -> int:
        """A number above all that were given before."""
        with store_errors():
            given = await self._fences.find_one_and_update(
                {"_id": COLLECTION}, {"$inc": {"last": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        if given is None:  # an upsert has always something to give
            raise StoreUnavailable
        return int(given["last"])

    async def replace(self, rollups: Mapping[Unit, Rollup], *, fence: int, never_less: bool = False) -> None:
        """Keep rollups instead of those that there are, but for those that were written with a later fence."""
        with store_errors():
            if not self._indexed:
                await self._rollups.create_indexes(_INDEXES)
                self._indexed = True
            for unit, rollup in rollups.items():
                if never_less and await self._requests(unit) > rollup[GroupingSet.TOTAL][()].requests:
                    continue
                made_of = {"fence": fence, "expires_at": self._expiry(unit)}
                documents = [_document(unit, grouping, groups) | made_of for grouping, groups in rollup.items()]
                for some in batched(documents, _WRITTEN_AT_ONCE, strict=False):
                    await self._write(some, fence)

    async def parts(
        self, org_id: UUID, granularity: Granularity, grouping: GroupingSet, starts: Sequence[datetime]
    ) -> AsyncIterator[Part]:
        """The groups of units, in no order."""
        for some in batched(starts, _STARTS_AT_ONCE, strict=False):
            wanted = {"org_id": org_id, "granularity": granularity, "set": grouping, "start": {"$in": list(some)}}
            with store_errors():
                async for document in self._rollups.find(wanted, {"_id": 0, "start": 1, "cells": 1}).max_time_ms(
                    MAX_TIME_MS
                ):
                    for cell in document["cells"]:
                        yield document["start"], tuple(cell["key"]), cell

    def _expiry(self, unit: Unit) -> datetime | None:
        return self._clock.now() + self._minutes_kept if unit.granularity is Granularity.MINUTE else None

    async def _requests(self, unit: Unit) -> int:
        kept = await self._rollups.find_one({"_id": _id(unit, GroupingSet.TOTAL)}, {"cells.counts": 1})
        return sum(cell["counts"][COUNTS.index("requests")] for cell in kept["cells"]) if kept else 0

    async def _write(self, documents: Sequence[Document], fence: int) -> None:
        replacements = [
            ReplaceOne({"_id": each["_id"], "fence": {"$lte": fence}}, each, upsert=True) for each in documents
        ]
        try:
            await self._rollups.bulk_write(replacements, ordered=False)
        except BulkWriteError as error:  # those that a later fence wrote are there already
            if not only_duplicates(error):
                raise


def _id(unit: Unit, grouping: GroupingSet) -> str:
    return f"{unit.org_id}/{unit.granularity}/{grouping}/{unit.start.isoformat()}"


def _document(unit: Unit, grouping: GroupingSet, groups: Groups) -> Document:
    return {
        "_id": _id(unit, grouping),
        "org_id": unit.org_id,
        "granularity": unit.granularity.value,
        "set": grouping.value,
        "start": unit.start,
        "cells": _cells(groups, MOST_GROUPS[unit.granularity]),
    }


def _cells(groups: Groups, most: int) -> list[dict[str, Any]]:
    """As many of the largest groups as one document holds."""
    cells = [{"key": list(key), **tally.cell()} for key, tally in largest(groups, most).items()]
    if sum(map(_size, cells)) <= _LARGEST_DOCUMENT or most == 1:
        return cells
    return _cells(groups, max(1, min(most, len(groups)) // 2))


def _size(cell: Mapping[str, Any]) -> int:
    blobs = sum(len(cell[name]) for name in ("latency", "ttft", "speed", "users"))
    return blobs + sum(len(str(value)) for value in cell["key"]) + _CELL_OVERHEAD
