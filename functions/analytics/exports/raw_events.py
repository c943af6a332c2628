"""Raw events as MongoDB has them, as rows of a file."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from bson import Decimal128
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from analytics.exports.columns import Source
from analytics.exports.models import Order, Position
from analytics.exports.ports import Rows
from analytics.models import TooSlow
from analytics.storage import store_errors
from llmo_core.csv_cells import CellValue
from llmo_data.mongo import Document

_FETCHED: Final = 2_000  # at once, and 16 MB at most, as MongoDB answers
_BATCH: Final = 500  # of 32 KiB, where events are as large as they may be
_COUNT_MS: Final = 2_000
_READING_MS: Final = 60_000  # nobody waits for an answer; within the time that the worker keeps for a part


class MongoRawEvents:
    """The events of one collection, in the order of moment and id."""

    def __init__(self, database: AsyncDatabase[Document], source: Source) -> None:
        self._events = database[source.collection]
        self._source = source

    async def estimate(self, org_id: UUID, order: Order) -> int | None:
        """How many there are; None when that takes too long to count. Raises StoreUnavailable."""
        pipeline: Sequence[Mapping[str, Any]] = [
            {"$match": self._wanted(org_id, order, {"$gte": order.start, "$lt": order.end})},
            {"$group": {"_id": None, "count": {"$sum": 1}}},
        ]
        try:
            with store_errors():
                found = await (await self._events.aggregate(pipeline, maxTimeMS=_COUNT_MS)).to_list()
        except TooSlow:
            return None
        return int(found[0]["count"]) if found else 0

    async def batches(self, org_id: UUID, order: Order, *, after: Position | None, most: int) -> AsyncGenerator[Rows]:
        """The next events after a position, `most` at most, in batches. Raises StoreUnavailable and TooSlow.

        Two ranges of the index, one after the other: the rest of the position's own millisecond, and what is later.
        """
        ranges: list[Mapping[str, Any]] = [self._wanted(org_id, order, {"$gte": order.start, "$lt": order.end})]
        if after is not None:
            same = {**self._wanted(org_id, order, after.at), "_id": {"$gt": after.id}}
            ranges = [same, self._wanted(org_id, order, {"$gt": after.at, "$lt": order.end})]
        for wanted in ranges:
            async with aclosing(self._found(wanted, most)) as found:
                async for batch in found:
                    most -= len(batch)
                    yield batch
            if most <= 0:
                return

    async def _found(self, wanted: Mapping[str, Any], most: int) -> AsyncGenerator[Rows]:
        order = [(self._source.moment, ASCENDING), ("_id", ASCENDING)]
        cursor = self._events.find(wanted, max_time_ms=_READING_MS, batch_size=_FETCHED).sort(order).limit(most)
        with store_errors():
            async with cursor:
                while batch := await cursor.to_list(_BATCH):
                    yield [self._row(document) for document in batch]

    def _wanted(self, org_id: UUID, order: Order, moment: object) -> dict[str, Any]:
        criteria = order.criteria.model_dump(exclude_none=True)
        named = {self._source.criteria[name]: value for name, value in criteria.items()}
        return {"org_id": org_id, self._source.moment: moment, **named}

    def _row(self, document: Document) -> tuple[Position, Sequence[CellValue]]:
        position = Position(at=document[self._source.moment].astimezone(UTC), id=document["_id"])
        return position, [_cell(document.get(field)) for field in self._source.fields]


def _cell(value: Any) -> CellValue:  # noqa: ANN401 - BSON's
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return ",".join(map(str, value))
    told: CellValue = value  # what BSON has beside these, a cell has too
    return told
