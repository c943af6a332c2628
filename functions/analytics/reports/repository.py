"""Saved reports in MongoDB: one document each, in the collection `reports`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from analytics.reports.models import MOST_REPORTS, NoSuchReport, Report, Visibility
from analytics.reports.ports import Made, Place
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

COLLECTION: Final = "reports"
INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("next_due_at", ASCENDING)]),
]


class MongoReports:
    """Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._reports = database[COLLECTION]
        self._indexed = False

    async def add(self, report: Report) -> tuple[Report, bool]:
        """Keep a report; the one that is there already, where its id is known. Whether it was added."""
        with store_errors():
            if not self._indexed:
                await self._reports.create_indexes(INDEXES)
                self._indexed = True
            try:
                await self._reports.insert_one(_document(report))
            except DuplicateKeyError:
                return await self.find(report.org_id, report.id, report.owner_id), False
        return report, True

    async def count(self, org_id: UUID) -> int:
        """How many the organization has; counted up to 201."""
        with store_errors():
            cursor = self._reports.find({"org_id": org_id}, {"_id": 1}, max_time_ms=MAX_TIME_MS)
            return len(await cursor.limit(MOST_REPORTS + 1).to_list())

    async def find(self, org_id: UUID, report_id: UUID, viewer: UUID) -> Report:
        """One that the viewer may see. Raises NoSuchReport."""
        with store_errors():
            wanted = {"org_id": org_id, "_id": report_id, **_seen_by(viewer)}
            found = await self._reports.find_one(wanted, max_time_ms=MAX_TIME_MS)
        if found is None:
            raise NoSuchReport
        return _report(found)

    async def page(self, org_id: UUID, viewer: UUID, *, before: Place | None, limit: int) -> Made[Report]:
        """Those that the viewer may see, the latest first."""
        conditions: list[Mapping[str, Any]] = [{"org_id": org_id}, _seen_by(viewer), *earlier_than(before)]
        with store_errors():
            cursor = self._reports.find({"$and": conditions}, max_time_ms=MAX_TIME_MS)
            cursor = cursor.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
            return Made.of([_report(document) async for document in cursor], limit)

    async def change(self, report: Report, *, from_version: int) -> bool:
        """Keep a changed report, unless somebody else changed it since that version; whether it was kept."""
        with store_errors():
            done = await self._reports.replace_one(
                {"org_id": report.org_id, "_id": report.id, "version": from_version}, _document(report)
            )
        return done.matched_count == 1

    async def remove(self, report: Report, *, version: int) -> bool:
        """Delete a report of that version; whether it was."""
        with store_errors():
            done = await self._reports.delete_one({"org_id": report.org_id, "_id": report.id, "version": version})
        return done.deleted_count == 1

    async def due(self, *, now: datetime, limit: int) -> Sequence[Report]:
        """Some whose time has come, the longest waiting first."""
        with store_errors():
            cursor = self._reports.find({"next_due_at": {"$lte": now}}, max_time_ms=MAX_TIME_MS)
            return [_report(document) async for document in cursor.sort("next_due_at", ASCENDING).limit(limit)]

    async def planned(self, report: Report, next_due_at: datetime | None) -> None:
        """Note when it is due next, unless it was changed meanwhile."""
        with store_errors():
            await self._reports.update_one(
                {"_id": report.id, "version": report.version, "next_due_at": report.next_due_at},
                {"$set": {"next_due_at": next_due_at}},
            )

    async def exists(self, org_id: UUID, report_id: UUID) -> bool:
        """Whether the report is there (still)."""
        with store_errors():
            wanted = {"org_id": org_id, "_id": report_id}
            return await self._reports.find_one(wanted, {"_id": 1}, max_time_ms=MAX_TIME_MS) is not None

    async def private_of(self, org_id: UUID, owner_id: UUID) -> Sequence[UUID]:
        """What only its owner sees."""
        return await self._ids({"org_id": org_id, **_private_of(owner_id)})

    async def all_of(self, org_id: UUID) -> Sequence[UUID]:
        """The reports of an organization."""
        return await self._ids({"org_id": org_id})

    async def forget_private(self, org_id: UUID, owner_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete those of some reports that only their owner sees."""
        with store_errors():
            found = {"org_id": org_id, "_id": {"$in": list(report_ids)}}
            await self._reports.delete_many({**found, **_private_of(owner_id)})

    async def forget(self, org_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete reports."""
        with store_errors():
            await self._reports.delete_many({"org_id": org_id, "_id": {"$in": list(report_ids)}})

    async def _ids(self, wanted: Mapping[str, Any]) -> Sequence[UUID]:
        with store_errors():
            cursor = self._reports.find(wanted, {"_id": 1}, max_time_ms=MAX_TIME_MS)
            return [document["_id"] async for document in cursor]


def earlier_than(place: Place | None) -> Sequence[Mapping[str, Any]]:
    """The condition of what stands after a place in a list that has the latest first."""
    if place is None:
        return []
    at, last = place
    return [{"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": last}}]}]


def _private_of(owner_id: UUID) -> Mapping[str, Any]:
    return {"owner_id": owner_id, "definition.visibility": Visibility.PRIVATE.value}


def _seen_by(viewer: UUID) -> Mapping[str, Any]:
    return {"$or": [{"definition.visibility": Visibility.ORGANIZATION.value}, {"owner_id": viewer}]}


def _document(report: Report) -> Document:
    document = report.model_dump()
    return {"_id": document.pop("id"), **document}


def _report(document: Document) -> Report:
    return Report.model_validate(
        {**{name: value for name, value in document.items() if name != "_id"}, "id": document["_id"]}
    )
