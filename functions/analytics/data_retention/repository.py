"""Retention in MongoDB: one document for each organization that has any of its own, in `event_retention`."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from pymongo import ReturnDocument, UpdateMany
from pymongo.asynchronous.database import AsyncDatabase

from analytics.data_retention.models import MOST_DAYS, Retention
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

EVENTS = "tracked_events"
_DAY = timedelta(days=1)


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

    async def follow_plan(self, org_id: UUID, days: int | None, *, at: datetime) -> Retention:
        """Keep what the plan has since this moment, unless a later one is known; what there is now."""
        with store_errors():
            await self._retentions.update_one({"_id": org_id}, {"$setOnInsert": {"plan_days": None}}, upsert=True)
            older = {"_id": org_id, "plan_at": {"$not": {"$gt": at}}}
            await self._retentions.update_one(older, {"$set": {"plan_days": days, "plan_at": at}})
        return await self.of(org_id)

    async def close(self, org_id: UUID, *, ends_at: datetime) -> Retention:
        """Keep when all events end of an organization that was closed; what there is now."""
        return await self._set(org_id, ends_at=ends_at)

    async def _set(self, org_id: UUID, **fields: object) -> Retention:
        with store_errors():
            found = await self._retentions.find_one_and_update(
                {"_id": org_id}, {"$set": fields}, upsert=True, return_document=ReturnDocument.AFTER
            )
        return self._retention(org_id, found or {})

    def _retention(self, org_id: UUID, found: Document) -> Retention:
        return Retention(
            org_id=org_id,
            default_days=self._default_days,
            plan_days=found.get("plan_days"),
            chosen_days=found.get("chosen_days"),
            ends_at=found.get("ends_at"),
        )


class MongoExpiringEvents:
    """Tracked events, which MongoDB deletes by their `expires_at`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database[EVENTS]

    async def expire(self, retention: Retention, *, today: date) -> None:
        """Have those that are kept already end as the retention has it. Safe to repeat. Raises StoreUnavailable.

        Events of a day end together, so that one update by day does.
        """
        with store_errors():
            oldest = await self._events.find_one(
                {"org_id": retention.org_id}, {"day": 1}, sort=[("timestamp", 1)], max_time_ms=MAX_TIME_MS
            )
            if oldest is None:
                return
            first = max(oldest["day"].date(), today - _DAY * (MOST_DAYS + 1))
            days = [_start(first + _DAY * number) for number in range((today - first).days + 2)]
            await self._events.bulk_write([_ending(retention, day) for day in days], ordered=False)


def _ending(retention: Retention, day: datetime) -> UpdateMany:
    ends = retention.expiry(day)
    of_day = {"org_id": retention.org_id, "timestamp": {"$gte": day, "$lt": day + _DAY}}
    return UpdateMany({**of_day, "expires_at": {"$ne": ends}}, {"$set": {"expires_at": ends}})


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
