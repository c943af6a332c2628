"""The worker: moves batches on, from their validation to their end. Killed at any point, it goes on from there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from integration.gateway.deferral.batches import Transactions
from integration.gateway.deferral.files import Contents
from integration.gateway.deferral.finishing import Finishing
from integration.gateway.deferral.gathering import all_of
from integration.gateway.deferral.holding import Holding
from integration.gateway.deferral.lines import Unreadable, read_lines
from integration.gateway.deferral.models import MOST_WAITING, Batch, Status
from integration.gateway.deferral.outcomes import CANCELLED, EXPIRED
from integration.gateway.deferral.ports import Batches, Keys, Waiting
from integration.gateway.deferral.providing import Providing
from integration.gateway.deferral.rounds import LOOKS_AGAIN, Rounds
from integration.gateway.deferral_errors import NoSuchFile
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger

_LEASE: Final = timedelta(seconds=900)  # as long as the function may run
_STARTS_CALLS_SECONDS: Final = 240.0  # and leaves time for the last ones: calling lets none take longer than 500
_ONE_BATCH_SECONDS: Final = 60.0  # as often as the schedule runs: then it is the turn of others that wait
_AT_ONCE: Final = 4
_STOPS_WITHIN: Final = timedelta(minutes=30)  # OpenAI takes up to ten minutes to cancel a batch
_AFTER_A_FAULT: Final = timedelta(seconds=30)


class Worker:
    """Moves batches on.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - eleven: everything that a batch goes through from its beginning to its end
        self,
        *,
        batches: Batches,
        lines: Waiting,
        contents: Contents,
        transactions: Transactions,
        keys: Keys,
        rounds: Rounds,
        holding: Holding,
        providing: Providing,
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
        self._rounds = rounds
        self._holding = holding
        self._providing = providing
        self._finishing = finishing
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def tick(self) -> int:
        """Move on every batch for which there is something to do; how many they were."""
        deadline = self._timer() + _STARTS_CALLS_SECONDS
        taken: set[UUID] = set()
        await all_of(self._lane(taken, deadline) for _ in range(_AT_ONCE))
        return len(taken)

    async def _lane(self, taken: set[UUID], deadline: float) -> None:
        """Move one batch on after the other, those first that wait longest, and none that another lane has taken."""
        while self._timer() < deadline:
            found = await self._batches.open(now=self._clock.now(), limit=len(taken) + 1)
            org_id, batch_id = next((each for each in found if each[1] not in taken), (None, None))
            if org_id is None or batch_id is None:
                return
            taken.add(batch_id)
            try:
                await self.advance(org_id, batch_id, deadline=min(deadline, self._timer() + _ONE_BATCH_SECONDS))
            except Exception:  # noqa: BLE001 - one batch must not keep the others waiting
                logger().exception("a batch is left for the next run", extra={"batch_id": str(batch_id)})

    async def advance(self, org_id: UUID, batch_id: UUID, *, deadline: float | None = None) -> None:
        """Move a batch on as far as it goes until a deadline (the timer's). Does nothing when another worker has it.

        Raises FilesUnavailable and DatabaseUnavailable; the batch is tried again.
        """
        now = self._clock.now()
        lease = now + _LEASE
        batch = await self._batches.lease(org_id, batch_id, now=now, until=lease)
        if batch is None:
            return
        until = self._timer() + _STARTS_CALLS_SECONDS if deadline is None else deadline
        wakes_at = now + _AFTER_A_FAULT
        try:
            wakes_at = await self._moved(batch, until)
        finally:
            await self._batches.release(batch, until=lease, wakes_at=wakes_at)

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
        now = self._clock.now()
        match batch.status:
            case Status.VALIDATING if now >= batch.expires_at:
                await self._finishing.fail(batch, [Unreadable(*EXPIRED).at(None)])
            case Status.VALIDATING:
                await self._validate(batch)
            case Status.CANCELLING:
                since = batch.cancelling_at or now
                return await self._stop(batch, CANCELLED, Status.CANCELLED, since, deadline)
            case Status.IN_PROGRESS if now >= batch.expires_at:
                return await self._stop(batch, EXPIRED, Status.EXPIRED, batch.expires_at, deadline)
            case Status.IN_PROGRESS:
                return await self._rounds.go(batch, await self._keys.find(batch.key_id), deadline)
            case _:
                await self._finishing.finish(batch, Status.COMPLETED)
        return None

    async def _stop(
        self, batch: Batch, why: tuple[str, str], status: Status, since: datetime, deadline: float
    ) -> datetime | None:
        """End a batch whose calls are not made any more, when its providers have stopped, or do not in time."""
        now = self._clock.now()
        key = await self._keys.find(batch.key_id)
        if key is not None and not await self._providing.stop(batch, key, deadline) and now < since + _STOPS_WITHIN:
            return now + LOOKS_AGAIN
        release = partial(self._holding.release, key=key) if key is not None else None
        await self._finishing.give_up(batch, why, release)
        await self._finishing.finish(batch, status)
        return None

    async def _validate(self, batch: Batch) -> None:
        try:
            content = await self._contents.get(batch.org_id, batch.input_file_id)
        except NoSuchFile:
            gone = Unreadable("input_file_not_found", "The input file is gone.", "input_file_id")
            await self._finishing.fail(batch, [gone.at(None)])
            return
        lines, wrong = read_lines(content, batch.endpoint, self._new_id)
        _, waiting = await self._batches.waiting(batch.org_id, batch.project_id)
        if not wrong and waiting + len(lines) > MOST_WAITING:
            message = f"At most {MOST_WAITING} calls of a project may wait at a time."
            wrong = [Unreadable("request_limit_exceeded", message).at(None)]
        if wrong:
            await self._finishing.fail(batch, wrong)
            return
        async with self._transactions.transaction(batch.org_id):
            found = await self._batches.find(batch.org_id, batch.id, locked=True)
            if found is not None and found.status is Status.VALIDATING:  # else it was cancelled meanwhile
                await self._lines.add(batch, lines)
                change = {"status": Status.IN_PROGRESS, "in_progress_at": self._clock.now(), "total": len(lines)}
                await self._batches.change(batch.org_id, batch.id, **change)
