"""Retention in MongoDB: one document for each organization that has any of its own, in `event_retention`."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from pymongo import ASCENDING, IndexModel, ReturnDocument, UpdateMany
from pymongo.asynchronous.database import AsyncDatabase

from analytics.data_retention.models import MOST_DAYS, Retention
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

EVENTS = "tracked_events"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_INDEXES = [IndexModel([("unapplied", ASCENDING)], sparse=True)]


class MongoRetentions:
    """For how long each organization's events are kept. Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document], *, default_days: int) -> None:
        self._retentions = database["event_retention"]
        self._default_days = default_days

    async def of(self, org_id: UUID) -> Retention:
        """An organization's."""
        with store_errors():
            found = await self._retentions.find_one({"_id": org_id}, max_time_ms=MAX_TIME_MS)
        return self._retention(org_id, found or {})

    async def choose(self, org_id: UUID, days: int | None) -> Retention:
        """Keep what an organization wants; what it has now."""
        return await self._set(org_id, chosen_days=days)

    async def follow_plan(self, org_id: UUID, days: int | None, *, at: datetime, grace: timedelta) -> Retention:
        """Keep what the plan has since this moment, unless a later one is known; what there is now.

        Where that is less than before, events that are kept end no sooner than after `grace`.
        """
        before = await self.of(org_id)
        now = before.model_copy(update={"plan_days": days})
        plan: Document = {"plan_days": days, "plan_at": at, "grace_days": None, "grace_until": None}
        if grace and now.most_days < before.most_days:
            plan |= {"grace_days": before.most_days, "grace_until": at + grace}
        with store_errors():
            await self._retentions.update_one({"_id": org_id}, {"$setOnInsert": {"plan_days": None}}, upsert=True)
            older = {"_id": org_id, "plan_at": {"$not": {"$gte": at}}}
            await self._retentions.update_one(older, _changed(plan))
        return await self.of(org_id)

    async def close(self, org_id: UUID, *, ends_at: datetime) -> Retention:
        """Keep when all events end of an organization that was closed; what there is now."""
        return await self._set(org_id, ends_at=ends_at)

    async def applied(self, retention: Retention, *, to: datetime | None) -> None:
        """Note that events end as it has it: up to this day, or, with None, all. Nothing where it has changed since."""
        same = {"_id": retention.org_id, "revision": retention.revision}
        with store_errors():
            if to is not None:
                await self._retentions.update_one(same, {"$set": {"applied_to": to}})
            else:
                await self._retentions.update_one(same, {"$unset": {"unapplied": "", "applied_to": ""}})

    async def unapplied(self, *, limit: int) -> Sequence[Retention]:
        """Some that do not hold for all events yet."""
        with store_errors():
            await self._retentions.create_indexes(_INDEXES)
            found = await self._retentions.find({"unapplied": True}, max_time_ms=MAX_TIME_MS).limit(limit).to_list()
        return [self._retention(each["_id"], each) for each in found]

    async def _set(self, org_id: UUID, **fields: object) -> Retention:
        with store_errors():
            found = await self._retentions.find_one_and_update(
                {"_id": org_id}, _changed(fields), upsert=True, return_document=ReturnDocument.AFTER
            )
        return self._retention(org_id, found or {})

    def _retention(self, org_id: UUID, found: Document) -> Retention:
        said = {name: found[name] for name in Retention.model_fields if name in found}
        return Retention(**{**said, "org_id": org_id, "default_days": self._default_days})


class MongoExpiringEvents:
    """Tracked events, which MongoDB deletes by their `expires_at`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database[EVENTS]

    async def expire(self, retention: Retention, *, today: date) -> AsyncGenerator[datetime]:
        """Have those that are kept already end as the retention has it, day by day; each day that is done.

        Safe to repeat. It begins after the retention's `applied_to`. Raises StoreUnavailable.
        """
        wanted: Document = {"org_id": retention.org_id}
        if retention.applied_to is not None:
            wanted["timestamp"] = {"$gte": retention.applied_to + _DAY}
        with store_errors():
            oldest = await self._events.find_one(wanted, {"day": 1}, sort=[("timestamp", 1)], max_time_ms=MAX_TIME_MS)
            if oldest is None:
                return
            first = max(oldest["day"].date(), today - _DAY * (MOST_DAYS + 1))
            for number in range((today - first).days + 2):
                day = _start(first + _DAY * number)
                await self._events.bulk_write(_ending(retention, day), ordered=False)
                yield day


def _changed(fields: Document) -> Document:
    """An update by which another retention begins to hold."""
    return {"$set": {**fields, "unapplied": True, "applied_to": None}, "$inc": {"revision": 1}}


def _ending(retention: Retention, day: datetime) -> list[UpdateMany]:
    """The events of a day end together; they are written hour by hour, of which no single write is a long one."""
    ends = retention.expiry(day)
    hours = [day + _HOUR * number for number in range(24)]
    return [
        UpdateMany(
            {
                "org_id": retention.org_id,
                "timestamp": {"$gte": hour, "$lt": hour + _HOUR},
                "expires_at": {"$ne": ends},
            },
            {"$set": {"expires_at": ends}},
        )
        for hour in hours
    ]


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
