"""What people may stand in besides events and calls: files of exports and reports, and what was asked for them.

Nobody looks into files for a name. All of an organization's that were made before are deleted, and can be made again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from analytics.exports.models import Progress
from analytics.exports.repository import COLLECTION as EXPORTS
from analytics.reports.repository import COLLECTION as REPORTS
from analytics.reports.run_repository import COLLECTION as RUNS
from analytics.storage import MAX_TIME_MS, store_errors
from analytics.usage.models import Dimension
from llmo_data.mongo import Document

ERASED: Final = "(erased)"
"""What stands for a person in criteria and filters."""

_DONE: Final = "done"
_UNDER_WAY: Final = {"$in": ["queued", "running"]}


class Deletions(Protocol):
    """Where files are. Raises ObjectsUnavailable."""

    async def delete(self, key: str) -> None:
        """Delete a file. Safe to repeat."""
        ...


class MadeFiles:
    """Files of exports and of reports. Everything raises StoreUnavailable, ObjectsUnavailable."""

    def __init__(self, database: AsyncDatabase[Document], objects: Deletions) -> None:
        self._exports = database[EXPORTS]
        self._runs = database[RUNS]
        self._reports = database[REPORTS]
        self._objects = objects

    async def withdraw(self, org_id: UUID, *, now: datetime) -> int:
        """Delete an organization's files, and have those that are being made begin anew; how many files. Repeatable."""
        anew = {"progress": Progress().model_dump()}
        return await self._withdraw(self._exports, org_id, now, anew) + await self._withdraw(
            self._runs, org_id, now, {}
        )

    async def rename(self, org_id: UUID, user_id: str) -> None:
        """Have no criterion and no filter name an end user. Safe to repeat."""
        for collection in (self._exports, self._runs, self._reports):
            with store_errors():
                found = await collection.find({"org_id": org_id}, max_time_ms=MAX_TIME_MS).to_list()
                for document in found:
                    changes = _renamed(document, user_id)
                    if changes:
                        await collection.update_one({"_id": document["_id"]}, {"$set": changes})

    async def _withdraw(
        self, collection: AsyncCollection[Document], org_id: UUID, now: datetime, anew: Document
    ) -> int:
        withdrawn = 0
        with store_errors():
            beginning = {"leased_until": now, "state": "queued", **anew}
            under_way = {"org_id": org_id, "state": _UNDER_WAY}
            begun = await collection.find(under_way, max_time_ms=MAX_TIME_MS).to_list()
            # Whoever works on one has a lower fence now, and can neither go on nor finish.
            await collection.update_many(under_way, {"$set": beginning, "$inc": {"fence": 1}})
            over = {"org_id": org_id, "state": _DONE, "expires_at": {"$gt": now}}
            done = await collection.find(over, max_time_ms=MAX_TIME_MS).to_list()
        for document in [*begun, *done]:
            for key in _keys(document):
                await self._objects.delete(key)
                withdrawn += 1
        with store_errors():
            for document in done:
                await collection.update_one({"_id": document["_id"]}, {"$set": {"expires_at": now}})
        return withdrawn


def _keys(document: Mapping[str, Any]) -> list[str]:
    files = [*document.get("progress", {}).get("parts", ()), *document.get("files", ())]
    return [each["key"] for each in files]


def _renamed(document: Mapping[str, Any], user_id: str) -> dict[str, object]:
    """Changes by which an export, a report or a run of one does not name a person."""
    changes: dict[str, object] = {}
    if document.get("order", {}).get("criteria", {}).get("end_user") == user_id:
        changes["order.criteria.end_user"] = ERASED
    filters = document.get("definition", {}).get("inquiry", {}).get("filters", ())
    renamed = [_without(each, user_id) for each in filters]
    if renamed != list(filters):
        changes["definition.inquiry.filters"] = renamed
    return changes


def _without(wanted: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    if wanted["dimension"] != Dimension.END_USER:
        return dict(wanted)
    return {**wanted, "values": [ERASED if value == user_id else value for value in wanted["values"]]}
