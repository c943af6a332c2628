"""Calls of the past, as the analytics service keeps them.

The collection `usage_events` and the fields that are read here are published by that service for this use: see
docs/adr/0030-dry-runs.md. Nothing is written.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from integration.dry_runs.models import HistoryUnavailable, PastCall
from integration.dry_runs.service import Wanted
from llmo_core.money import to_pico
from llmo_data.mongo import Document

COLLECTION: Final = "usage_events"
_AT_ONCE: Final = 2_000
_MAX_TIME_MS: Final = 20_000  # within API Gateway's 29 seconds
_FAILED: Final = frozenset(("error", "lost", "blocked", "aborted"))
_HIT: Final = "hit"
_ALIKE: Final = frozenset(("form", "semantic"))
_FIELDS: Final = (
    "started_at",
    "project_id",
    "endpoint",
    "requested_model",
    "model",
    "connection",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "saved_usd",
    "cache",
    "cache_match",
    "fingerprint",
    "status",
)


class MongoHistory:
    """Usage events in MongoDB."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database[COLLECTION]

    async def calls(self, wanted: Wanted, *, most: int) -> AsyncIterator[Sequence[PastCall]]:
        """At most so many calls, the oldest first, some at a time. Raises HistoryUnavailable."""
        with _history_errors():
            cursor = (
                self._events.find(_filter(wanted), dict.fromkeys(_FIELDS, 1))
                .sort("started_at", ASCENDING)
                .limit(most)
                .batch_size(_AT_ONCE)
                .max_time_ms(_MAX_TIME_MS)
            )
            async with cursor:
                while rows := await cursor.to_list(_AT_ONCE):
                    yield [_call(row) for row in rows]


def _filter(wanted: Wanted) -> dict[str, Any]:
    narrowed = {"project_id": wanted.project_id, "key_id": wanted.key_id}
    return {
        "org_id": wanted.org_id,
        "started_at": {"$gte": wanted.since, "$lt": wanted.until},
        **{name: value for name, value in narrowed.items() if value is not None},
    }


def _call(row: Mapping[str, Any]) -> PastCall:
    hit, cost = row["cache"] == _HIT, _pico(row["cost_usd"])
    return PastCall(
        started_at=row["started_at"],
        project_id=row["project_id"],
        endpoint=row["endpoint"],
        requested_model=row["requested_model"],
        model=row["model"],
        connection=row.get("connection"),
        input_tokens=row["input_tokens"],
        cached_input_tokens=row["cached_input_tokens"],
        output_tokens=row["output_tokens"],
        full_cost_pico=cost + _pico(row["saved_usd"]) if hit else cost,
        cost_pico=cost,
        hit=hit,
        alike=hit and row.get("cache_match") in _ALIKE,
        fingerprint=row.get("fingerprint"),
        failed=row["status"] in _FAILED,
    )


def _pico(amount: Any) -> int:  # noqa: ANN401 - Decimal128
    dollars: Decimal = amount.to_decimal()
    return to_pico(dollars)


@contextmanager
def _history_errors() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise HistoryUnavailable from error
