"""Ending batches: what became of their lines is written into files, and announced."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from integration.gateway.deferral.batches import Events, Kept, Transactions
from integration.gateway.deferral.events import BatchCompleted
from integration.gateway.deferral.files import Contents, Files
from integration.gateway.deferral.models import Batch, Line, Outcome, Purpose, Status, batch_name, file_name
from integration.gateway.deferral.outcomes import not_made
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.money import decimal_text

_AT_ONCE: Final = 500
_ENDED_AT: Final = {
    Status.COMPLETED: "completed_at",
    Status.FAILED: "failed_at",
    Status.EXPIRED: "expired_at",
    Status.CANCELLED: "cancelled_at",
}


class Lines(Protocol):
    """Where lines are kept."""

    async def undecided(self, batch: Batch, *, after: int, limit: int) -> Sequence[Line]:
        """Lines without an outcome, behind a position."""
        ...

    async def decide(self, batch: Batch, outcomes: Sequence[tuple[Line, Outcome]]) -> None:
        """Keep outcomes and count them."""
        ...

    def written(self, batch: Batch, *, failed: bool) -> AsyncIterator[bytes]:
        """The content of the output file, or of the error file, line by line."""
        ...

    async def remove(self, org_id: UUID, batch_id: UUID) -> None:
        """Forget the lines of a batch."""
        ...


class Finishing:
    """Ends batches. A worker that dies before the end leaves the batch as it was, and contents that nobody names."""

    def __init__(
        self,
        *,
        kept: Kept,
        lines: Lines,
        files: Files,
        contents: Contents,
        events: Events,
        transactions: Transactions,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._kept = kept
        self._lines = lines
        self._files = files
        self._contents = contents
        self._events = events
        self._transactions = transactions
        self._clock = clock
        self._new_id = new_id

    async def give_up(
        self, batch: Batch, why: tuple[str, str], release: Callable[[Line], Awaitable[None]] | None
    ) -> None:
        """Decide every line that has no outcome: its call is not made any more, and nothing is set aside for it."""
        after = 0
        while lines := await self._lines.undecided(batch, after=after, limit=_AT_ONCE):
            if release is not None:
                for line in lines:
                    await release(line)
            await self._lines.decide(batch, [(line, not_made(line, why)) for line in lines])
            after = lines[-1].position

    async def fail(self, batch: Batch, errors: Sequence[dict[str, Any]]) -> None:
        """End a batch whose file makes no sense."""
        await self._end(batch, Status.FAILED, errors=list(errors))

    async def finish(self, batch: Batch, status: Status) -> None:
        """End a batch whose lines all have an outcome: write its files, forget its lines, and announce it."""
        output = await self._written(batch, failed=False)
        error = await self._written(batch, failed=True)
        await self._end(batch, status, output=output, error=error)

    async def _written(self, batch: Batch, *, failed: bool) -> tuple[UUID, int] | None:
        """A file's id and size; None when there is nothing in it."""
        file_id = self._new_id()
        size = await self._contents.write(batch.org_id, file_id, self._lines.written(batch, failed=failed))
        return (file_id, size) if size else None

    async def _end(
        self,
        batch: Batch,
        status: Status,
        *,
        errors: list[dict[str, Any]] | None = None,
        output: tuple[UUID, int] | None = None,
        error: tuple[UUID, int] | None = None,
    ) -> None:
        async with self._transactions.transaction(batch.org_id):
            made: dict[str, UUID] = {}
            for kind, file in (("output", output), ("error", error)):
                if file is not None:
                    name = f"{batch_name(batch.id)}_{kind}.jsonl"
                    await self._files.record(batch.owner, file[0], name, file[1], Purpose.BATCH_OUTPUT)
                    made[f"{kind}_file_id"] = file[0]
            await self._lines.remove(batch.org_id, batch.id)
            changes = {"status": status, _ENDED_AT[status]: self._clock.now(), "wakes_at": None, "leased_until": None}
            await self._kept.change(batch.org_id, batch.id, **changes, **made, **({"errors": errors} if errors else {}))
            ended = await self._kept.find(batch.org_id, batch.id)
            if ended is not None:
                await self._events.announce(_completed(ended), org_id=batch.org_id, aggregate_id=batch.id)


def _completed(batch: Batch) -> BatchCompleted:
    return BatchCompleted(
        org_id=batch.org_id,
        project_id=batch.project_id,
        key_id=batch.key_id,
        batch=batch_name(batch.id),
        status=batch.status.value,
        endpoint=batch.endpoint,
        total=batch.total,
        completed=batch.completed,
        failed=batch.failed,
        cost_usd=decimal_text(batch.cost_usd),
        output_file=file_name(batch.output_file_id) if batch.output_file_id else None,
        error_file=file_name(batch.error_file_id) if batch.error_file_id else None,
    )
