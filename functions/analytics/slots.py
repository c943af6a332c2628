"""A few things of an organization at once, however many are asked for in the same moment.

Each of them takes a slot: the field `slot` of its document, of which the index lets no two be the same. It is unset
when the thing is over. Counting first and keeping then would let all through that count at the same time.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

FIELD: Final = "slot"
INDEX: Final = IndexModel([(FIELD, ASCENDING)], unique=True, sparse=True)


class Slots:
    """The slots of one collection, which has the index. Everything raises StoreUnavailable.

    Args:
        most: How many of an organization there are at once.
    """

    def __init__(self, collection: AsyncCollection[Document], *, most: int) -> None:
        self._collection = collection
        self._most = most

    async def insert(self, org_id: UUID, document: Mapping[str, Any]) -> bool:
        """Keep a document that takes a free slot; False where there is none, or where its id is there already."""
        names = [f"{org_id}/{number}" for number in range(self._most)]
        with store_errors():
            found = self._collection.find({FIELD: {"$in": names}}, {FIELD: 1}, max_time_ms=MAX_TIME_MS)
            taken = {each[FIELD] async for each in found}
            for name in names:
                if name in taken:
                    continue
                try:
                    await self._collection.insert_one({**document, FIELD: name})
                except DuplicateKeyError:  # somebody took it meanwhile, or the id is there
                    continue
                return True
        return False
