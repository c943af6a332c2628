"""The use cases of batches: making, reading and cancelling them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from integration.gateway.deferral.events import BatchCancellationRequested, BatchCreated
from integration.gateway.deferral.files import Files
from integration.gateway.deferral.models import (
    COMPLETION_WINDOW,
    MOST_OPEN,
    WINDOW,
    Batch,
    Owner,
    Purpose,
    Status,
    batch_id_of,
)
from integration.gateway.deferral.outcomes import on_one_line
from integration.gateway.deferral_errors import BatchEnded, NoSuchBatch, TooManyBatches
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_messaging.envelope import Event

# What counts for each call of a batch, as if it had come with it.
_KEPT_HEADERS: Final = (
    "x-forwarded-for",
    "x-llmo-tags",
    "x-llmo-region",
    "x-llmo-cache",
    "x-llmo-cache-ttl",
    "x-llmo-cache-namespace",
    "traceparent",
)
SINGLE_CALL: Final = "deferred"
"""The custom id of the only line of a call that was deferred by its header."""


class Kept(Protocol):
    """Where batches are kept."""

    async def add(self, batch: Batch) -> None:
        """Keep a new batch."""
        ...

    async def find(self, org_id: UUID, batch_id: UUID, *, locked: bool = False) -> Batch | None:
        """A batch, if `locked` nobody else changes it until the transaction under way ends."""
        ...

    async def page(self, owner: Owner, *, after: UUID | None, limit: int) -> Sequence[Batch]:
        """At most `limit` batches of the owner's project, the newest first, behind the one with the id `after`."""
        ...

    async def change(self, org_id: UUID, batch_id: UUID, **columns: object) -> None:
        """Change some columns of a batch."""
        ...

    async def waiting(self, org_id: UUID, project_id: UUID) -> tuple[int, int]:
        """How many batches of a project are open, and how many of their calls have no answer."""
        ...


class Events(Protocol):
    """Announces events in the transaction under way."""

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Keep an event, and publish it after the commit."""
        ...


class Transactions(Protocol):
    """Transactions of one organization."""

    def transaction(self, org_id: UUID | None = None) -> AbstractAsyncContextManager[Any]:
        """A transaction: what is done in it is done together."""
        ...


class Batches:
    """Batches of projects: no other project sees them."""

    def __init__(
        self, *, kept: Kept, files: Files, events: Events, transactions: Transactions, clock: Clock, new_id: NewId
    ) -> None:
        self._kept = kept
        self._files = files
        self._events = events
        self._transactions = transactions
        self._clock = clock
        self._new_id = new_id

    async def create(
        self,
        owner: Owner,
        input_file: str,
        endpoint: str,
        metadata: Mapping[str, str] | None,
        headers: Mapping[str, str],
        *,
        single: bool = False,
    ) -> Batch:
        """Make a batch of a file's lines. It and its announcement are kept together.

        Raises NoSuchFile; TooManyBatches, and perhaps only at the next one when several are made at the same time.
        """
        open_batches, _ = await self._kept.waiting(owner.org_id, owner.project_id)
        if open_batches >= MOST_OPEN:
            raise TooManyBatches(MOST_OPEN)
        file = await self._files.find(owner, input_file)
        now = self._clock.now()
        batch = Batch(
            id=self._new_id(),
            org_id=owner.org_id,
            project_id=owner.project_id,
            key_id=owner.key_id,
            endpoint=endpoint,
            input_file_id=file.id,
            completion_window=COMPLETION_WINDOW,
            metadata=dict(metadata) if metadata is not None else None,
            headers={name: headers[name] for name in _KEPT_HEADERS if name in headers},
            single=single,
            status=Status.VALIDATING,
            created_at=now,
            expires_at=now + WINDOW,
            wakes_at=now,
        )
        async with self._transactions.transaction(owner.org_id):
            await self._kept.add(batch)
            event = BatchCreated(batch_id=batch.id, org_id=batch.org_id)
            await self._events.announce(event, org_id=batch.org_id, aggregate_id=batch.id)
        return batch

    async def defer(self, owner: Owner, endpoint: str, body: bytes, headers: Mapping[str, str]) -> Batch:
        """Make a batch of one call with this JSON as its body. Raises TooManyBatches."""
        line = {"custom_id": SINGLE_CALL, "method": "POST", "url": endpoint, "body": orjson.Fragment(on_one_line(body))}
        content = orjson.dumps(line) + b"\n"
        file = await self._files.add(owner, "deferred.jsonl", content, Purpose.BATCH)
        return await self.create(owner, file.shown()["id"], endpoint, None, headers, single=True)

    async def find(self, owner: Owner, name: str) -> Batch:
        """A batch. Raises NoSuchBatch."""
        found = await self._kept.find(owner.org_id, batch_id_of(name))
        if found is None or found.project_id != owner.project_id:
            raise NoSuchBatch(name)
        return found

    async def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[Sequence[Batch], bool]:
        """At most `limit` batches behind another one, the newest first, and whether there are more."""
        behind = batch_id_of(after) if after else None
        found = await self._kept.page(owner, after=behind, limit=limit + 1)
        return found[:limit], len(found) > limit

    async def cancel(self, owner: Owner, name: str) -> Batch:
        """Make no more of a batch's calls; those under way end. Raises NoSuchBatch, BatchEnded."""
        async with self._transactions.transaction(owner.org_id):
            found = await self._kept.find(owner.org_id, batch_id_of(name), locked=True)
            if found is None or found.project_id != owner.project_id:
                raise NoSuchBatch(name)
            if found.status not in {Status.VALIDATING, Status.IN_PROGRESS}:
                raise BatchEnded(found.status)
            now: datetime = self._clock.now()
            change = {"status": Status.CANCELLING, "cancelling_at": now, "wakes_at": now}
            await self._kept.change(owner.org_id, found.id, **change)
            event = BatchCancellationRequested(batch_id=found.id, org_id=found.org_id)
            await self._events.announce(event, org_id=found.org_id, aggregate_id=found.id)
        return replace(found, status=Status.CANCELLING, cancelling_at=now, wakes_at=now)
