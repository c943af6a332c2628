"""The worker: moves batches on, from their validation to their end. Killed at any point, it goes on from there."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from integration.gateway.deferral.batches import Transactions
from integration.gateway.deferral.calling import Calling, Later
from integration.gateway.deferral.files import Contents
from integration.gateway.deferral.finishing import Finishing, Lines
from integration.gateway.deferral.lines import Unreadable, read_lines
from integration.gateway.deferral.models import Batch, Line, Status
from integration.gateway.deferral.outcomes import CANCELLED, EXPIRED, refused
from integration.gateway.errors import InvalidApiKey, NoSuchFile
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger

_LEASE: Final = timedelta(seconds=900)  # as long as the function may run
_STARTS_CALLS_SECONDS: Final = 240.0  # and leaves time for the last ones: calling lets none take longer than 500
_AT_ONCE: Final = 8
_MOST_OPEN: Final = 20
_LOOKS_AGAIN: Final = timedelta(minutes=1)
_AFTER_A_FAULT: Final = timedelta(seconds=30)


class Batches(Protocol):
    """Where batches are kept."""

    async def find(self, org_id: UUID, batch_id: UUID, *, locked: bool = False) -> Batch | None:
        """A batch."""
        ...

    async def change(self, org_id: UUID, batch_id: UUID, **columns: object) -> None:
        """Change some columns of a batch."""
        ...

    async def lease(self, org_id: UUID, batch_id: UUID, *, now: datetime, until: datetime) -> Batch | None:
        """The batch, for one worker until then; None when it has ended or another worker has it."""
        ...

    async def release(self, org_id: UUID, batch_id: UUID, *, wakes_at: datetime) -> None:
        """Let other workers have the batch from a moment on."""
        ...

    async def open(self, *, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """The organizations and ids of batches that nobody works on although there is something to do."""
        ...


class Waiting(Lines, Protocol):
    """Lines that wait."""

    async def add(self, batch: Batch, lines: Sequence[Line]) -> None:
        """Keep a batch's lines."""
        ...

    async def waiting(self, batch: Batch, *, now: datetime, limit: int) -> Sequence[Line]:
        """The first lines whose calls can be made now."""
        ...

    async def left(self, batch: Batch) -> tuple[int, datetime | None]:
        """How many lines have no outcome, and when the first of those that wait can be tried again."""
        ...

    async def postpone(self, batch: Batch, line: Line, *, at: datetime, tries: int) -> None:
        """Try a line again, not before a moment."""
        ...


class Keys(Protocol):
    """Keys by their ids."""

    async def find(self, key_id: UUID) -> ApiKey | None:
        """A key, whether it is valid or not; None when there is none any more."""
        ...


class Worker:
    """Moves batches on.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        batches: Batches,
        lines: Waiting,
        contents: Contents,
        transactions: Transactions,
        keys: Keys,
        calling: Calling,
        finishing: Finishing,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._batches = batches
        self._lines = lines
        self._contents = contents
        self._transactions = transactions
        self._keys = keys
        self._calling = calling
        self._finishing = finishing
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def tick(self) -> int:
        """Move on every batch for which there is something to do; how many they were."""
        deadline = self._timer() + _STARTS_CALLS_SECONDS
        found = await self._batches.open(now=self._clock.now(), limit=_MOST_OPEN)
        for org_id, batch_id in found:
            try:
                await self.advance(org_id, batch_id, deadline=deadline)
            except Exception:  # noqa: BLE001 - one batch must not keep the others waiting
                logger().exception("a batch is left for the next run", extra={"batch_id": str(batch_id)})
        return len(found)

    async def advance(self, org_id: UUID, batch_id: UUID, *, deadline: float | None = None) -> None:
        """Move a batch on as far as it goes until a deadline (the timer's). Does nothing when another worker has it.

        Raises FilesUnavailable and DatabaseUnavailable; the batch is tried again.
        """
        now = self._clock.now()
        batch = await self._batches.lease(org_id, batch_id, now=now, until=now + _LEASE)
        if batch is None:
            return
        until = self._timer() + _STARTS_CALLS_SECONDS if deadline is None else deadline
        wakes_at = now + _AFTER_A_FAULT
        try:
            wakes_at = await self._moved(batch, until)
        finally:
            await self._batches.release(org_id, batch_id, wakes_at=wakes_at)

    async def _moved(self, batch: Batch, deadline: float) -> datetime:
        """When there is something to do next."""
        found: Batch | None = batch
        while found is not None and found.wakes_at is not None:
            wakes_at = await self._step(found, deadline)
            if wakes_at is not None:
                return wakes_at
            found = await self._batches.find(batch.org_id, batch.id)
        return self._clock.now()

    async def _step(self, batch: Batch, deadline: float) -> datetime | None:
        """Do what is next; None when there is more to do at once."""
        match batch.status:
            case Status.VALIDATING:
                await self._validate(batch)
            case Status.CANCELLING:
                await self._finishing.give_up(batch, CANCELLED)
                await self._finishing.finish(batch, Status.CANCELLED)
            case Status.IN_PROGRESS if self._clock.now() >= batch.expires_at:
                await self._finishing.give_up(batch, EXPIRED)
                await self._finishing.finish(batch, Status.EXPIRED)
            case Status.IN_PROGRESS:
                return await self._call(batch, deadline)
            case _:
                await self._finishing.finish(batch, Status.COMPLETED)
        return None

    async def _validate(self, batch: Batch) -> None:
        try:
            content = await self._contents.get(batch.org_id, batch.input_file_id)
        except NoSuchFile:
            gone = Unreadable("input_file_not_found", "The input file is gone.", "input_file_id")
            await self._finishing.fail(batch, [gone.at(None)])
            return
        lines, wrong = read_lines(content, batch.endpoint, self._new_id)
        if wrong:
            await self._finishing.fail(batch, wrong)
            return
        async with self._transactions.transaction(batch.org_id):
            found = await self._batches.find(batch.org_id, batch.id, locked=True)
            if found is not None and found.status is Status.VALIDATING:  # else it was cancelled meanwhile
                await self._lines.add(batch, lines)
                change = {"status": Status.IN_PROGRESS, "in_progress_at": self._clock.now(), "total": len(lines)}
                await self._batches.change(batch.org_id, batch.id, **change)

    async def _call(self, batch: Batch, deadline: float) -> datetime | None:
        """Make some calls; when to go on, None for at once."""
        now = self._clock.now()
        lines = await self._lines.waiting(batch, now=now, limit=_AT_ONCE)
        if not lines:
            return await self._rest(batch, now)
        if self._timer() >= deadline:
            return now
        key = await self._keys.find(batch.key_id)
        if key is None:
            await self._lines.decide(batch, [(line, refused(line, InvalidApiKey())) for line in lines])
            return None
        ended = await asyncio.gather(*(self._one(batch, line, key) for line in lines))
        pauses = [later.at for later in ended if later is not None and later.pauses]
        return max(pauses) if pauses else None

    async def _one(self, batch: Batch, line: Line, key: ApiKey) -> Later | None:
        outcome = await self._calling.call(batch, line, key)
        if isinstance(outcome, Later):
            await self._lines.postpone(batch, line, at=outcome.at, tries=outcome.tries)
            return outcome
        await self._lines.decide(batch, [(line, outcome)])
        return None

    async def _rest(self, batch: Batch, now: datetime) -> datetime | None:
        """When the lines that wait can be tried again; a batch without any is written up."""
        left, earliest = await self._lines.left(batch)
        if left:
            return min(earliest or now + _LOOKS_AGAIN, batch.expires_at)
        await self._finalize(batch)
        return None

    async def _finalize(self, batch: Batch) -> None:
        async with self._transactions.transaction(batch.org_id):
            found = await self._batches.find(batch.org_id, batch.id, locked=True)
            if found is not None and found.status is Status.IN_PROGRESS:  # else it is being cancelled
                change = {"status": Status.FINALIZING, "finalizing_at": self._clock.now()}
                await self._batches.change(batch.org_id, batch.id, **change)
