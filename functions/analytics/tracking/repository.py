"""Tracked events in MongoDB: one document each, in the collection `tracked_events`.

Every read names its organization first. Times are to the millisecond, buckets are computed when an event is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from analytics.erasures.models import Kind, Person
from analytics.storage import only_duplicates, store_errors
from analytics.tracking.models import TrackedEvent
from llmo_data.mongo import Document

COLLECTION: Final = "tracked_events"
ID_FIELDS: Final = {Kind.USER: "user_id", Kind.ANONYMOUS: "anonymous_id"}
"""Where people's ids stand."""

INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("timestamp", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("name", ASCENDING), ("timestamp", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("user_id", ASCENDING), ("timestamp", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("anonymous_id", ASCENDING), ("timestamp", ASCENDING)]),  # erased by it
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]


class MongoTrackedEvents:
    """The tracked events of all organizations. Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database[COLLECTION]
        self._indexed = False

    async def add(self, events: Sequence[TrackedEvent]) -> Collection[int]:
        """Keep these; the positions of those that are kept already, which changes nothing."""
        with store_errors():
            if not self._indexed:
                await self._events.create_indexes(INDEXES)
                self._indexed = True
            try:
                await self._events.insert_many([_document(event) for event in events], ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise
                return frozenset(each["index"] for each in error.details["writeErrors"])
        return ()

    async def delete(self, org_id: UUID, person: Person, ids: Collection[UUID]) -> None:
        """Delete those of these events that name a person."""
        wanted = {"_id": {"$in": list(ids)}, "org_id": org_id, ID_FIELDS[person.kind]: person.id}
        with store_errors():
            await self._events.delete_many(wanted)

    async def end(self, org_id: UUID, expiries: Mapping[datetime, Collection[UUID]]) -> None:
        """Have events that are kept end at other moments."""
        with store_errors():
            for moment, ids in expiries.items():
                wanted = {"_id": {"$in": list(ids)}, "org_id": org_id}
                await self._events.update_many(wanted, {"$set": {"expires_at": moment}})


def _document(event: TrackedEvent) -> Document:
    hour = event.timestamp.replace(minute=0, second=0, microsecond=0)
    return {
        "_id": event.id,
        **event.model_dump(exclude={"id"}),
        "minute": event.timestamp.replace(second=0, microsecond=0),
        "hour": hour,
        "day": hour.replace(hour=0),
    }
