"""Tracked events, as answers need them, from MongoDB. Every read names its organization first."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Any, Final
from uuid import UUID

from pymongo.asynchronous.database import AsyncDatabase

from analytics.behaviour.models import MOST_EVENTS, EventQuery, ListedEvent, Range, Seen, TooManyEvents
from analytics.behaviour.periods import milliseconds
from analytics.deadlines import Deadline
from analytics.storage import MAX_TIME_MS, store_errors
from analytics.tracking.properties import parsed
from analytics.tracking.repository import COLLECTION
from llmo_data.mongo import Document

_BATCH: Final = 10_000
_NEWEST_FIRST: Final = [("timestamp", -1), ("_id", -1)]


class MongoBehaviour:
    """The tracked events of all organizations, to be read. Everything raises StoreUnavailable, TooSlow.

    Args:
        most_events: That are read for one answer.
    """

    def __init__(self, database: AsyncDatabase[Document], *, most_events: int = MOST_EVENTS) -> None:
        self._events = database[COLLECTION]
        self._most = most_events

    async def seen(
        self, org_id: UUID, names: Collection[str], within: Range, *, pairs: bool, deadline: Deadline
    ) -> AsyncGenerator[Seen]:
        """Those of these names (of all, when there are none), each once, in any order.

        `pairs` says whether their properties are wanted. Raises TooManyEvents when there are more than may be read.
        """
        wanted: Document = {"org_id": org_id, "timestamp": {"$gte": within.start, "$lt": within.end}}
        if names:
            wanted["name"] = {"$in": sorted(names)}
        fields = {"_id": 0, "name": 1, "actor": 1, "timestamp": 1, **({"pairs": 1} if pairs else {})}
        read = 0
        with store_errors(deadline):
            limited = self._events.find(wanted, fields, batch_size=_BATCH).limit(self._most + 1)
            async with limited.max_time_ms(deadline.left_ms()) as found:
                async for document in found:
                    read += 1
                    if read > self._most:
                        raise TooManyEvents(f"More than {self._most} events would have to be read. {_NARROWER}")
                    at = milliseconds(document["timestamp"])
                    yield Seen(document["name"], document["actor"], at, document.get("pairs", ()))

    async def page(self, query: EventQuery) -> Sequence[ListedEvent]:
        """At most `limit`, the newest first."""
        wanted: Document = {
            "org_id": query.org_id,
            **({"name": query.name} if query.name is not None else {}),
            **({"user_id": query.user_id} if query.user_id is not None else {}),
            "timestamp": {"$gte": query.range.start, "$lt": query.range.end},
        }
        if query.before is not None:
            moment, key = query.before
            wanted["$or"] = [{"timestamp": {"$lt": moment}}, {"timestamp": moment, "_id": {"$lt": key}}]
        with store_errors():
            found = self._events.find(wanted).sort(_NEWEST_FIRST).limit(query.limit).max_time_ms(MAX_TIME_MS)
            return [_listed(document) for document in await found.to_list()]


_NARROWER: Final = "Ask for a shorter range, or for rarer events."


def _listed(document: Document) -> ListedEvent:
    said: dict[str, Any] = {name: document[name] for name in ListedEvent.model_fields if name in document}
    return ListedEvent(
        **{**said, "key": document["_id"], "id": document["event_id"], "properties": parsed(document["properties"])}
    )
