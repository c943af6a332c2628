"""The calls that rollups are made of: the documents of `analytics.usage.repository`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bson import Decimal128
from pymongo.asynchronous.database import AsyncDatabase

from analytics.deadlines import Deadline
from analytics.rollups.models import Granularity, Unit
from analytics.rollups.planning import Range
from analytics.storage import milliseconds, store_errors
from analytics.usage.repository import COLLECTION
from llmo_data.mongo import Document

_BATCH: Final = 5_000
_DOLLARS: Final = ("cost_usd", "saved_usd")


class MongoCalls:
    """The LLM calls of organizations, each once."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._calls = database[COLLECTION]

    async def read(
        self, org_id: UUID, ranges: Sequence[Range], *, deadline: Deadline | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Calls that started in any of the ranges, in no order; whole, since most of their fields are needed."""
        with store_errors(deadline):
            for start, end in ranges:
                wanted = {"org_id": org_id, "started_at": {"$gte": start, "$lt": end}}
                found = self._calls.find(wanted, batch_size=_BATCH).max_time_ms(milliseconds(deadline))
                async for call in found:
                    for name in _DOLLARS:
                        kept: Decimal128 = call[name]
                        call[name] = kept.to_decimal()
                    yield call

    async def minutes(self, org_id: UUID | None, start: datetime, end: datetime) -> Sequence[Unit]:
        """Minutes in which there are calls: of one organization, or of all."""
        wanted: dict[str, Any] = {"started_at": {"$gte": start, "$lt": end}}
        if org_id is not None:
            wanted["org_id"] = org_id
        with store_errors():
            found = await self._calls.aggregate(
                [{"$match": wanted}, {"$group": {"_id": {"org_id": "$org_id", "minute": "$minute"}}}]
            )
            return [Unit(each["_id"]["org_id"], Granularity.MINUTE, each["_id"]["minute"]) async for each in found]
