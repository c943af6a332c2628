"""Anomalies in MongoDB: one document each in the collection `anomalies`, for a year."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from analytics.anomalies.models import Anomaly
from analytics.rollups.models import Granularity, Sheet
from analytics.rollups.repository import COLLECTION as ROLLUPS
from analytics.storage import MAX_TIME_MS, only_duplicates, store_errors
from llmo_data.mongo import Document

COLLECTION: Final = "anomalies"
MARKS: Final = "anomaly_marks"
_KEPT: Final = timedelta(days=366)
INDEXES: Final = [
    IndexModel([("org_id", ASCENDING), ("hour", DESCENDING)]),
    IndexModel([("announced", ASCENDING), ("hour", ASCENDING)]),
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]
_OF_ROLLUPS: Final = [IndexModel([("granularity", ASCENDING), ("sheet", ASCENDING), ("start", ASCENDING)])]


class MongoAnomalies:
    """The anomalies of all organizations."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._anomalies = database[COLLECTION]
        self._indexed = False

    async def add(self, anomalies: Sequence[Anomaly]) -> None:
        """Keep anomalies; those that are kept already stay as they are."""
        if not anomalies:
            return
        with store_errors():
            if not self._indexed:
                await self._anomalies.create_indexes(INDEXES)
                self._indexed = True
            try:
                await self._anomalies.insert_many([_document(each) for each in anomalies], ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise

    async def unannounced(self, *, limit: int) -> Sequence[Anomaly]:
        """Those that nobody was told of, the oldest first."""
        with store_errors():
            found = self._anomalies.find({"announced": False}).sort("hour", ASCENDING).limit(limit)
            return [_anomaly(each) async for each in found.max_time_ms(MAX_TIME_MS)]

    async def announced(self, anomaly: Anomaly) -> None:
        """Note that others were told."""
        with store_errors():
            await self._anomalies.update_one({"_id": anomaly.id}, {"$set": {"announced": True}})

    async def between(self, org_id: UUID, start: datetime, end: datetime, *, limit: int) -> Sequence[Anomaly]:
        """An organization's, the newest first."""
        wanted = {"org_id": org_id, "hour": {"$gte": start, "$lt": end}}
        with store_errors():
            found = self._anomalies.find(wanted).sort("hour", DESCENDING).limit(limit)
            return [_anomaly(each) async for each in found.max_time_ms(MAX_TIME_MS)]


class MongoMarks:
    """How far each organization's hours were looked at: one document each in the collection `anomaly_marks`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._marks = database[MARKS]

    async def all(self) -> Mapping[UUID, datetime]:
        """The last hour that was looked at, of each organization of which one was."""
        with store_errors():
            found = self._marks.find({}).max_time_ms(MAX_TIME_MS)
            return {each["_id"]: each["hour"] async for each in found}

    async def note(self, org_id: UUID, hour: datetime) -> None:
        """Note that an hour was looked at, and those before it; of two at once the later one stays."""
        with store_errors():
            await self._marks.update_one({"_id": org_id}, {"$max": {"hour": hour}}, upsert=True)

    async def forget(self, *, before: datetime) -> None:
        """Forget organizations of which no hour was looked at since."""
        with store_errors():
            await self._marks.delete_many({"hour": {"$lt": before}})


class MongoOrganizations:
    """Who has calls, by the rollups of their days."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._rollups = database[ROLLUPS]
        self._indexed = False

    async def active_since(self, since: datetime) -> Sequence[UUID]:
        """Organizations with calls since then, but for those that began today."""
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "granularity": Granularity.DAY.value,
                    "sheet": Sheet.ALL.value,
                    "start": {"$gte": Granularity.DAY.floor(since)},
                }
            },
            {"$group": {"_id": "$org_id"}},
        ]
        with store_errors():
            if not self._indexed:
                await self._rollups.create_indexes(_OF_ROLLUPS)
                self._indexed = True
            found = await self._rollups.aggregate(pipeline, maxTimeMS=MAX_TIME_MS)
            return sorted([each["_id"] async for each in found])


def _document(anomaly: Anomaly) -> Document:
    kept = anomaly.model_dump()
    return kept | {
        "_id": anomaly.id,
        "metric": anomaly.metric.value,
        "direction": anomaly.direction.value,
        "announced": False,
        "expires_at": anomaly.detected_at + _KEPT,
    }


def _anomaly(document: Document) -> Anomaly:
    return Anomaly(**{name: document[name] for name in Anomaly.model_fields})
