"""Runs of reports in MongoDB: one document each, in the collection `report_runs`, for 90 days."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from analytics import slots
from analytics.leases import NOT_LEASED, Leases
from analytics.reports.models import MOST_UNDER_WAY, REMEMBERED, HeldRun, NoSuchRun, Run, TooManyRuns
from analytics.reports.ports import Made, Place
from analytics.reports.repository import earlier_than
from analytics.storage import MAX_TIME_MS, store_errors
from llmo_data.mongo import Document

COLLECTION: Final = "report_runs"
INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("report_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("state", ASCENDING), ("leased_until", ASCENDING)]),
    IndexModel([("to_announce", ASCENDING)], sparse=True),
    slots.INDEX,
    IndexModel([("forgotten_at", ASCENDING)], expireAfterSeconds=0),
]
_OURS = {"leased_until": 0, "fence": 0, "attempts": 0, "to_announce": 0, "forgotten_at": 0, slots.FIELD: 0}
_CAME: Final = {"state", "start", "end", "files", "rows", "finished_at", "expires_at", "failure"}
_PAUSE: Final = timedelta(minutes=1)


class MongoRuns:
    """Everything raises StoreUnavailable."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._runs = database[COLLECTION]
        self._leases = Leases(self._runs)
        self._slots = slots.Slots(self._runs, most=MOST_UNDER_WAY)
        self._indexed = False

    async def add(self, run: Run) -> tuple[Run, bool]:
        """Keep a run of a schedule; the one that is there already, where its id is known. Whether it was added."""
        await self._index()
        with store_errors():
            try:
                await self._runs.insert_one(_document(run))
            except DuplicateKeyError:
                return await self.find(run.org_id, run.report_id, run.id), False
        return run, True

    async def add_asked(self, run: Run) -> tuple[Run, bool]:
        """Keep a run that was asked for; the one that is there already, where its id is known. Whether it was added.

        Raises TooManyRuns where five are under way, however many are asked for at once.
        """
        await self._index()
        if await self._slots.insert(run.org_id, _document(run)):
            return run, True
        try:
            return await self.find(run.org_id, run.report_id, run.id), False
        except NoSuchRun as error:
            raise TooManyRuns(retry_after_seconds=30) from error

    async def find(self, org_id: UUID, report_id: UUID, run_id: UUID) -> Run:
        """One of a report's. Raises NoSuchRun."""
        with store_errors():
            wanted = {"org_id": org_id, "report_id": report_id, "_id": run_id}
            found = await self._runs.find_one(wanted, _OURS, max_time_ms=MAX_TIME_MS)
        if found is None:
            raise NoSuchRun
        return _run(found)

    async def page(self, org_id: UUID, report_id: UUID, *, before: Place | None, limit: int) -> Made[Run]:
        """A report's, the latest first."""
        conditions: list[Mapping[str, Any]] = [{"org_id": org_id}, {"report_id": report_id}, *earlier_than(before)]
        with store_errors():
            cursor = self._runs.find({"$and": conditions}, _OURS, max_time_ms=MAX_TIME_MS)
            cursor = cursor.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
            return Made.of([_run(document) async for document in cursor], limit)

    async def forget(self, org_id: UUID, report_ids: Sequence[UUID]) -> None:
        """Delete the runs of reports."""
        if report_ids:
            with store_errors():
                await self._runs.delete_many({"org_id": org_id, "report_id": {"$in": list(report_ids)}})

    async def take(self, run_id: UUID, *, now: datetime) -> HeldRun | None:
        """Hold one that is under way and that nobody holds."""
        found = await self._leases.take(run_id, now=now)
        return HeldRun(run=_run(found), fence=found["fence"], attempts=found["attempts"]) if found else None

    async def pause(self, held: HeldRun, *, now: datetime) -> None:
        """Let another worker go on in a minute; this was nobody's attempt."""
        await self._leases.change(held.run.id, held.fence, {"leased_until": now + _PAUSE, "attempts": 0})

    async def finish(self, held: HeldRun, run: Run) -> bool:
        """Keep what came of it; False when it was not ours any more."""
        came = run.model_dump(include=_CAME)
        if run.notify and run.definition.recipients:
            came["to_announce"] = True
        return await self._leases.change(run.id, held.fence, came, without=[slots.FIELD])

    async def left(self, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Some that are under way and that nobody holds."""
        return await self._leases.left(now=now, limit=limit)

    async def unannounced(self, *, limit: int) -> Sequence[Run]:
        """Some that are over, and whose recipients were not told."""
        with store_errors():
            cursor = self._runs.find({"to_announce": True}, _OURS, max_time_ms=MAX_TIME_MS).limit(limit)
            return [_run(document) async for document in cursor]

    async def announced(self, run_id: UUID) -> None:
        """Note that they were told."""
        with store_errors():
            await self._runs.update_one({"_id": run_id}, {"$unset": {"to_announce": ""}})

    async def _index(self) -> None:
        if not self._indexed:
            with store_errors():
                await self._runs.create_indexes(INDEXES)
            self._indexed = True


def _document(run: Run) -> Document:
    document = run.model_dump()
    document = {"_id": document.pop("id"), **document, "forgotten_at": run.created_at + REMEMBERED}
    return document | {"leased_until": NOT_LEASED, "fence": 0, "attempts": 0}


def _run(document: Document) -> Run:
    ours = {name: value for name, value in document.items() if name not in _OURS and name != "_id"}
    return Run.model_validate({**ours, "id": document["_id"]})
