"""Work that several workers could take: documents of MongoDB that one of them holds for a while.

A document of work has `state`, `leased_until`, `fence` and `attempts`. Whoever holds it knows its fence; whoever takes
it over raises that, after which nothing that the one before writes finds the document any more.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from analytics.storage import store_errors
from llmo_data.mongo import Document

LEASE = timedelta(minutes=3)
WAITING, RUNNING = "queued", "running"
_UNDER_WAY = {"$in": [WAITING, RUNNING]}
NOT_LEASED = datetime(1970, 1, 1, tzinfo=UTC)


class Leases:
    """Takes and gives back the documents of one collection. Everything raises StoreUnavailable."""

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection

    async def take(self, work_id: UUID, *, now: datetime) -> Document | None:
        """The document, held by nobody else for three minutes; None when it is not to be worked on, or is held."""
        with store_errors():
            return await self._collection.find_one_and_update(
                {"_id": work_id, "state": _UNDER_WAY, "leased_until": {"$lte": now}},
                {"$set": {"leased_until": now + LEASE, "state": RUNNING}, "$inc": {"fence": 1, "attempts": 1}},
                return_document=ReturnDocument.AFTER,
            )

    async def change(
        self, work_id: UUID, fence: int, changes: Mapping[str, Any], *, without: Collection[str] = ()
    ) -> bool:
        """Set fields of work that is held, and unset others; whether it still was, and is not cancelled."""
        unset = {"$unset": dict.fromkeys(without, "")} if without else {}
        with store_errors():
            done = await self._collection.update_one(
                {"_id": work_id, "fence": fence, "state": RUNNING}, {"$set": dict(changes), **unset}
            )
        return done.matched_count == 1

    async def keep(self, work_id: UUID, fence: int, changes: Mapping[str, Any], *, now: datetime) -> bool:
        """The same, of work that got further by them: it is held for another three minutes."""
        return await self.change(work_id, fence, {**changes, "leased_until": now + LEASE, "attempts": 0})

    async def left(self, *, now: datetime, limit: int) -> list[UUID]:
        """Work that nobody holds, the longest left first."""
        with store_errors():
            cursor = self._collection.find({"state": _UNDER_WAY, "leased_until": {"$lte": now}}, {"_id": True}).sort(
                "leased_until", 1
            )
            return [document["_id"] async for document in cursor.limit(limit)]
