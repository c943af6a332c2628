"""Tracked events, as answers need them, from MongoDB. Every read names its organization first."""

from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pymongo.asynchronous.database import AsyncDatabase

from analytics.behaviour.models import LONGEST_RANGE, MOST_EVENTS, EventQuery, ListedEvent, Range, Seen, TooManyEvents
from analytics.behaviour.periods import milliseconds
from analytics.deadlines import Deadline
from analytics.storage import store_errors
from analytics.tracking.properties import parsed
from analytics.tracking.repository import COLLECTION
from llmo_data.mongo import Document

_BATCH: Final = 10_000
_FIRST_LOOK: Final = timedelta(hours=1)
_FURTHER: Final = 8  # times as far with every look: a year is looked through with six
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
        """At most `limit`, the newest first: a page costs what the first one does, however deep it is."""
        found: list[Document] = []
        deadline = Deadline(narrower=_NARROWER)
        with store_errors(deadline):
            for within in _backwards(query):
                wanted = {**_of(query), **within}
                cursor = self._events.find(wanted).sort(_NEWEST_FIRST).limit(query.limit - len(found))
                found += await cursor.max_time_ms(deadline.left_ms()).to_list()
                if len(found) == query.limit:
                    break
        return [_listed(document) for document in found]


def _of(query: EventQuery) -> Document:
    named = {"name": query.name, "user_id": query.user_id}
    return {"org_id": query.org_id, **{field: value for field, value in named.items() if value is not None}}


def _backwards(query: EventQuery) -> Iterator[Document]:
    """Ranges of the index, the newest first: what is left of the cursor's own millisecond, then longer and longer ones.

    One after the other, and not as alternatives of one read: no server has to look at what earlier pages had, and one
    that sorts what it finds has few to sort.
    """
    end = query.range.end
    if query.before is not None:
        moment, key = query.before
        if query.range.start <= moment < end:
            yield {"timestamp": moment, "_id": {"$lt": key}}
        end = min(end, moment)
    length = _FIRST_LOOK
    while end > query.range.start:
        start = max(query.range.start, end - length) if length < LONGEST_RANGE else query.range.start
        yield {"timestamp": {"$gte": start, "$lt": end}}
        end, length = start, length * _FURTHER


_NARROWER: Final = "Ask for a shorter range, or for rarer events."


def _listed(document: Document) -> ListedEvent:
    said: dict[str, Any] = {name: document[name] for name in ListedEvent.model_fields if name in document}
    return ListedEvent(
        **{**said, "key": document["_id"], "id": document["event_id"], "properties": parsed(document["properties"])}
    )
