"""People in tracked events and in LLM calls, in MongoDB."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from analytics.erasures.models import Kind, Person
from analytics.privacy.models import Part
from analytics.rollups.models import Granularity, Unit
from analytics.rollups.ports import Marks
from analytics.storage import MAX_TIME_MS, store_errors
from analytics.tracking.repository import COLLECTION as EVENTS
from analytics.tracking.repository import ID_FIELDS
from analytics.usage.repository import COLLECTION as CALLS
from llmo_core.clock import Clock
from llmo_data.mongo import Document

_FIELDS: Final = {"_id": 1, "minute": 1}


class EventsOfPeople:
    """Tracked events: they are deleted. Everything raises StoreUnavailable, TooSlow."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database[EVENTS]

    async def of(self, org_id: UUID, person: Person, *, limit: int) -> Part:
        """At most `limit` of a person's."""
        return await _part(self._events, {"org_id": org_id, ID_FIELDS[person.kind]: person.id}, limit)

    async def erase(self, org_id: UUID, part: Part) -> None:
        """Delete them."""
        with store_errors():
            await self._events.delete_many({"org_id": org_id, "_id": {"$in": list(part.ids)}})


class CallsForPeople:
    """LLM calls: what they used and cost stays, and `end_user` goes. Everything raises StoreUnavailable, TooSlow."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._calls = database[CALLS]

    async def of(self, org_id: UUID, person: Person, *, limit: int) -> Part:
        """At most `limit` of those that were made for a person; calls know of no anonymous visitors."""
        if person.kind is not Kind.USER:
            return Part(ids=(), minutes=frozenset())
        return await _part(self._calls, {"org_id": org_id, "end_user": person.id}, limit)

    async def erase(self, org_id: UUID, part: Part) -> None:
        """Have them name nobody."""
        with store_errors():
            wanted = {"org_id": org_id, "_id": {"$in": list(part.ids)}}
            await self._calls.update_many(wanted, {"$set": {"end_user": None}})


class RolledMinutes:
    """Rollups of LLM calls, which are made anew of the minutes that are marked."""

    def __init__(self, marks: Marks, *, clock: Clock) -> None:
        self._marks = marks
        self._clock = clock

    async def mark(self, org_id: UUID, minutes: Collection[datetime]) -> None:
        """Have the organization's sums of these minutes be made anew. Safe to repeat. Raises StoreUnavailable."""
        units = [Unit(org_id, Granularity.MINUTE, minute) for minute in minutes]
        await self._marks.mark(units, now=self._clock.now())


async def _part(collection: AsyncCollection[Document], wanted: Document, limit: int) -> Part:
    with store_errors():
        found = await collection.find(wanted, _FIELDS).limit(limit).max_time_ms(MAX_TIME_MS).to_list()
    return Part(ids=[each["_id"] for each in found], minutes=frozenset(each["minute"] for each in found))
