"""Exports in MongoDB: one document each, in the collection `exports`, for a year."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from analytics import slots
from analytics.exports.models import (
    KEPT,
    MOST_UNDER_WAY,
    REMEMBERED,
    Export,
    ExportIsOver,
    Held,
    NoSuchExport,
    Progress,
    State,
    TooManyExports,
)
from analytics.exports.ports import ExportPage, Place
from analytics.leases import NOT_LEASED, Leases
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

COLLECTION: Final = "exports"
INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("state", ASCENDING), ("leased_until", ASCENDING)]),
    IndexModel([("to_announce", ASCENDING)], sparse=True),
    slots.INDEX,
    IndexModel([("forgotten_at", ASCENDING)], expireAfterSeconds=0),
]
_UNDER_WAY = {"$in": [State.QUEUED.value, State.RUNNING.value]}
_OURS = {"leased_until": 0, "fence": 0, "attempts": 0, "to_announce": 0, "forgotten_at": 0, slots.FIELD: 0}
_PAUSE = timedelta(minutes=1)


class MongoExports:
    """Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._exports = database[COLLECTION]
        self._leases = Leases(self._exports)
        self._slots = slots.Slots(self._exports, most=MOST_UNDER_WAY)
        self._indexed = False

    async def add(self, export: Export) -> tuple[Export, bool]:
        """Keep an export; the one that is there already, where its id is known. Whether it was added.

        Raises TooManyExports where five are under way, however many are asked for at once.
        """
        document = export.model_dump()
        document["_id"] = document.pop("id")
        document |= {"leased_until": NOT_LEASED, "fence": 0, "attempts": 0}
        document["forgotten_at"] = export.created_at + REMEMBERED
        with store_errors():
            if not self._indexed:
                await self._exports.create_indexes(INDEXES)
                self._indexed = True
        if await self._slots.insert(export.org_id, document):
            return export, True
        try:
            return await self.find(export.org_id, export.id), False
        except NoSuchExport as error:
            raise TooManyExports(retry_after_seconds=30) from error

    async def find(self, org_id: UUID, export_id: UUID) -> Export:
        """One of the organization's. Raises NoSuchExport."""
        with store_errors():
            found = await self._exports.find_one({"org_id": org_id, "_id": export_id}, _OURS, max_time_ms=MAX_TIME_MS)
        if found is None:
            raise NoSuchExport
        return _export(found)

    async def page(self, org_id: UUID, *, before: Place | None, limit: int) -> ExportPage:
        """The organization's, the latest first."""
        wanted: dict[str, Any] = {"org_id": org_id}
        if before is not None:
            at, last = before
            wanted["$or"] = [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": last}}]
        with store_errors():
            cursor = self._exports.find(wanted, _OURS, max_time_ms=MAX_TIME_MS)
            cursor = cursor.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
            found = [_export(document) async for document in cursor]
        return ExportPage.of(found, limit)

    async def cancel(self, org_id: UUID, export_id: UUID, *, now: datetime) -> Export:
        """Stop one that is under way; one that is cancelled stays so. Raises NoSuchExport, ExportIsOver."""
        with store_errors():
            found = await self._exports.find_one_and_update(
                {"org_id": org_id, "_id": export_id, "state": _UNDER_WAY},
                {"$set": {"state": State.CANCELLED.value, "finished_at": now}, "$unset": {slots.FIELD: ""}},
                projection=_OURS,
                return_document=ReturnDocument.AFTER,
            )
        export = _export(found) if found is not None else await self.find(org_id, export_id)
        if export.state is not State.CANCELLED:
            raise ExportIsOver
        return export

    async def take(self, export_id: UUID, *, now: datetime) -> Held | None:
        """Hold one that is under way and that nobody holds."""
        found = await self._leases.take(export_id, now=now)
        if found is None:
            return None
        return Held(export=_export(found), fence=found["fence"], attempts=found["attempts"])

    async def advance(self, held: Held, progress: Progress, *, now: datetime) -> bool:
        """Keep how far it is, and hold it for another while; False when it is not ours any more, or is cancelled."""
        return await self._leases.keep(held.export.id, held.fence, {"progress": progress.model_dump()}, now=now)

    async def give_back(self, held: Held) -> None:
        """Let another worker go on, at once."""
        await self._leases.change(held.export.id, held.fence, {"leased_until": NOT_LEASED, "attempts": 0})

    async def pause(self, held: Held, *, now: datetime) -> None:
        """Let another worker go on in a minute; this was nobody's attempt."""
        await self._leases.change(held.export.id, held.fence, {"leased_until": now + _PAUSE, "attempts": 0})

    async def finish(self, held: Held, *, now: datetime) -> bool:
        """Say that all of it is written; False when it was not ours any more."""
        done = {"state": State.DONE.value, "finished_at": now, "expires_at": now + KEPT, "to_announce": True}
        return await self._leases.change(held.export.id, held.fence, done, without=[slots.FIELD])

    async def fail(self, held: Held, reason: str, *, now: datetime) -> None:
        """Give it up."""
        failed = {"state": State.FAILED.value, "finished_at": now, "failure": reason}
        await self._leases.change(held.export.id, held.fence, failed, without=[slots.FIELD])

    async def left(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Some that are under way and that nobody holds."""
        return await self._leases.left(now=now, limit=limit)

    async def unannounced(self, *, limit: int) -> Sequence[Export]:
        """Some that are done, and that nobody was told of."""
        with store_errors():
            cursor = self._exports.find({"to_announce": True}, _OURS, max_time_ms=MAX_TIME_MS).limit(limit)
            return [_export(document) async for document in cursor]

    async def announced(self, export_id: UUID) -> None:
        """Note that it was told of."""
        with store_errors():
            await self._exports.update_one({"_id": export_id}, {"$unset": {"to_announce": ""}})


def _export(document: Document) -> Export:
    ours = {name: value for name, value in document.items() if name not in _OURS and name != "_id"}
    return Export.model_validate({**ours, "id": document["_id"]})
