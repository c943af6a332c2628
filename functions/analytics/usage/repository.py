"""Usage events in MongoDB: one document per call, in the collection `usage_events`.

Keeps to the stages that MongoDB, DocumentDB and the laptop's server share: what would need an expression in a query
(time buckets, latency buckets, 0/1 flags) is computed when a call is stored.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import Decimal128
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from analytics.deadlines import Deadline
from analytics.models import Gap, TooManyGroups
from analytics.percentiles import bucket
from analytics.storage import milliseconds, only_duplicates, store_errors
from analytics.usage.models import (
    KEPT,
    Dimension,
    Group,
    Sums,
    UsageGroup,
    UsageGroups,
    UsageQuery,
    UsageRecorded,
)
from llmo_core.clock import Clock
from llmo_data.mongo import Document
from llmo_messaging.consumer import Delivery

COLLECTION = "usage_events"
_MAX_ROWS = 100_000  # (group, latency bucket) pairs that one report may read

_FIELDS = {
    Dimension.MODEL: "model",
    Dimension.PROJECT: "project_id",
    Dimension.KEY: "key_id",
    Dimension.DAY: "day",
    Dimension.HOUR: "hour",
    Dimension.STATUS: "status",
    Dimension.CACHE: "cache",
    Dimension.ENDPOINT: "endpoint",
    Dimension.PROVIDER: "provider",
    Dimension.CONNECTION: "connection",
    Dimension.ROUTE: "route",
    Dimension.VARIANT: "variant",
    Dimension.PROMPT: "prompt",
    Dimension.END_USER: "end_user",
    Dimension.BATCH: "batch",
}
_SUMMED = tuple(name for name in Sums.model_fields if name != "requests")
_INDEXES = [
    IndexModel([("org_id", ASCENDING), ("started_at", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("org_id", ASCENDING), ("end_user", ASCENDING), ("started_at", ASCENDING)]),  # people are erased by it
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]


class MongoUsageStore:
    """The usage of all organizations; every read is limited to the organization that its query names.

    Args:
        kept: For how long after it arrived a call is kept; at least for 31 days, see `analytics.rollups.service`.
    """

    def __init__(self, database: AsyncDatabase[Document], *, clock: Clock, kept: timedelta = KEPT) -> None:
        self._events = database[COLLECTION]
        self._clock = clock
        self._kept = kept
        self._indexed = False

    async def add(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        """Keep these calls. An event that is kept already changes nothing. Raises StoreUnavailable."""
        with store_errors():
            if not self._indexed:
                await self._events.create_indexes(_INDEXES)
                self._indexed = True
            expires_at = self._clock.now() + self._kept
            try:
                await self._events.insert_many(
                    [_document(delivery, expires_at) for delivery in deliveries], ordered=False
                )
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise

    async def forget(self, org_id: UUID, calls: Collection[UUID]) -> None:
        """Have calls, by their events' ids, name no end user. Raises StoreUnavailable."""
        with store_errors():
            await self._events.update_many(
                {"_id": {"$in": list(calls)}, "org_id": org_id}, {"$set": {"end_user": None}}
            )

    async def groups(self, query: UsageQuery) -> UsageGroups:
        """The query's calls by group.

        Raises StoreUnavailable, TooSlow, TooManyGroups.
        """
        sums = {name: {"$sum": f"${name}"} for name in _SUMMED}
        deadline = Deadline()
        with store_errors(deadline):
            # One after the other: a call that arrives in between may add its time to first token, never lack it.
            by_latency = await self._grouped(query, "latency_bucket", sums, deadline)
            by_ttft = await self._grouped(query, "ttft_bucket", {}, deadline)
        expired = query.start < self._clock.now() - self._kept
        return UsageGroups(
            groups=tuple(_assembled(query, by_latency, by_ttft)),
            gaps=frozenset({Gap.CALLS_EXPIRED} if expired else ()),
        )

    async def _grouped(
        self, query: UsageQuery, bucket_field: str, sums: Mapping[str, Any], deadline: Deadline
    ) -> list[Document]:
        dimensions = {dimension.value: f"${_FIELDS[dimension]}" for dimension in query.dimensions}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {**_filter(query), bucket_field: {"$ne": None}}},
            {"$group": {"_id": {**dimensions, "bucket": f"${bucket_field}"}, "requests": {"$sum": 1}, **sums}},
            {"$limit": _MAX_ROWS + 1},
        ]
        cursor = await self._events.aggregate(pipeline, maxTimeMS=milliseconds(deadline))
        rows = await cursor.to_list()
        if len(rows) > _MAX_ROWS:
            raise TooManyGroups
        return rows


def _document(delivery: Delivery[UsageRecorded], expires_at: datetime) -> Document:
    event = delivery.event
    started_at = event.started_at.astimezone(UTC)
    hour = started_at.replace(minute=0, second=0, microsecond=0)
    return {
        **event.model_dump(),
        "_id": delivery.envelope.id,
        "cost_usd": Decimal128(event.cost_usd),
        "saved_usd": Decimal128(event.saved_usd),
        "tags": [f"{key}={value}" for key, value in sorted(event.tags.items())],
        "started_at": started_at,
        "minute": started_at.replace(second=0, microsecond=0),
        "hour": hour,
        "day": hour.replace(hour=0),
        "latency_bucket": bucket(event.latency_ms),
        "ttft_bucket": bucket(event.ttft_ms) if event.ttft_ms is not None else None,
        "speed_bucket": bucket(speed) if (speed := event.output_tokens_per_second) is not None else None,
        "expires_at": expires_at,
        "errors": int(event.failed),
        "cache_hits": int(event.cache == "hit"),
    }


def _filter(query: UsageQuery) -> dict[str, Any]:
    wanted = {
        "model": query.model,
        "project_id": query.project_id,
        "key_id": query.key_id,
        "route": query.route,
        "end_user": query.end_user,
        "tags": query.tag,
    }
    return {
        "org_id": query.org_id,
        "started_at": {"$gte": query.start, "$lt": query.end},
        **{name: value for name, value in wanted.items() if value is not None},
    }


def _assembled(query: UsageQuery, by_latency: list[Document], by_ttft: list[Document]) -> list[UsageGroup]:
    sums: defaultdict[Group, Sums] = defaultdict(Sums)
    latency: defaultdict[Group, Counter[int]] = defaultdict(Counter)
    ttft: defaultdict[Group, Counter[int]] = defaultdict(Counter)
    for row in by_latency:
        group = _group(query, row)
        sums[group] += _sums(row)
        latency[group][row["_id"]["bucket"]] += row["requests"]
    for row in by_ttft:
        ttft[_group(query, row)][row["_id"]["bucket"]] += row["requests"]
    return [
        UsageGroup(group=group, sums=sums[group], latency=latency[group], ttft=ttft[group])
        for group in sorted(sums, key=lambda group: [str(value) for value in group])
    ]


def _group(query: UsageQuery, row: Document) -> Group:
    """The row's group; calls that were kept before there was a dimension count to those that have none of it."""
    return tuple(row["_id"].get(dimension.value) for dimension in query.dimensions)


def _sums(row: Document) -> Sums:
    return Sums(requests=row["requests"], **{name: _number(row[name]) for name in _SUMMED})


def _number(value: int | Decimal128) -> int | Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else value
