"""Watchers in MongoDB: one document each in the collection `live_watchers`, until its time is over."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

COLLECTION: Final = "live_watchers"
INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("until", ASCENDING)]),
    IndexModel([("until", ASCENDING)], expireAfterSeconds=0),
]


class MongoWatchers:
    """Who watches."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._watchers = database[COLLECTION]
        self._indexed = False

    async def take(self, org_id: UUID, watcher: str, *, now: datetime, until: datetime, most: int) -> bool:
        """Take a watcher on until then; False when so many watch already.

        Of several who come at once, one too many may be taken on.
        """
        with store_errors():
            if not self._indexed:
                await self._watchers.create_indexes(INDEXES)
                self._indexed = True
            others = self._watchers.find({"org_id": org_id, "until": {"$gt": now}}, {"_id": 1}).limit(most)
            if len(await others.max_time_ms(MAX_TIME_MS).to_list()) >= most:
                return False
            await self._watchers.insert_one({"_id": watcher, "org_id": org_id, "until": until})
        return True

    async def leave(self, watcher: str) -> None:
        """Make room for another one."""
        with store_errors():
            await self._watchers.delete_one({"_id": watcher})
