"""Making exports: part by part, each of them whole in S3 before anything says that it is there.

A part is written under a key of the worker's own turn (the fence), then the export's document names it and how far it
goes, in one write. Whatever a worker had not named is not there for anybody: who takes over begins after the last part
that was, and writes the next one anew. So an export that is killed at any point has every event once.
"""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from uuid import UUID

from analytics.exports.models import Export, Held, Order, Part, Position, Progress
from analytics.exports.ports import Announcements, Files, HeldExports, RawEvents, TableFile
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from llmo_messaging.bus import PublishFailed

PART_ROWS = 50_000
PART_BYTES = 32 << 20
_MOST_ATTEMPTS = 5  # in a row that brought it no further
_AT_ONCE = 20
_LONGEST = timedelta(days=1)
_FOR_A_PART = timedelta(seconds=90)

type NewFile = Callable[[Order], TableFile]


class ExportWorker:
    """Makes exports.

    Args:
        part_rows: How many events a file has at most.
        part_bytes: No more is added to a file that takes so many bytes of memory.
    """

    def __init__(
        self,
        *,
        exports: HeldExports,
        events: Callable[[Order], RawEvents],
        files: Files,
        new_file: NewFile,
        announcements: Announcements,
        clock: Clock,
        part_rows: int = PART_ROWS,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._exports = exports
        self._events = events
        self._files = files
        self._new_file = new_file
        self._announcements = announcements
        self._clock = clock
        self._part_rows = part_rows
        self._part_bytes = part_bytes

    async def tick(self, *, until: datetime) -> int:
        """Go on with what was left, and tell of what is done; how many exports were worked on."""
        await self._announce_finished()
        left = await self._exports.left(now=self._clock.now(), limit=_AT_ONCE)
        worked = 0
        for export_id in left:
            if not self._time_for_a_part(until):
                break
            await self.advance(export_id, until=until)
            worked += 1
        return worked

    async def advance(self, export_id: UUID, *, until: datetime) -> None:
        """Write an export as far as time allows; the rest is told to the next worker. Safe to repeat and at once.

        While S3 does not answer, or reading takes too long, it waits, for a day. Raises StoreUnavailable when nothing
        can be noted, after which it is found again when the lease is over, and PublishFailed.
        """
        held = await self._exports.take(export_id, now=self._clock.now())
        if held is None:
            return
        if held.attempts > _MOST_ATTEMPTS:
            await self._exports.fail(held, "It could not be written in five attempts.", now=self._clock.now())
            return
        try:
            await self._write(held, until)
        except PublishFailed:
            raise  # what there is was kept, and given back
        except Unavailable as error:
            await self._put_off(held, error.detail)
        except ValueError:
            logger().exception("export cannot be written")
            await self._exports.fail(held, "An event cannot be written in this format.", now=self._clock.now())

    async def _put_off(self, held: Held, reason: str) -> None:
        now = self._clock.now()
        logger().warning("export put off", extra={"reason": reason})
        if held.export.created_at + _LONGEST < now:
            await self._exports.fail(held, "It could not be written for a day.", now=now)
        else:
            await self._exports.pause(held, now=now)

    async def _write(self, held: Held, until: datetime) -> None:
        export = held.export
        progress = export.progress
        if progress.position is None and progress.estimated_rows is None:
            estimate = await self._events(export.order).estimate(export.org_id, export.order)
            progress = progress.model_copy(update={"estimated_rows": estimate})
        while True:
            if not self._time_for_a_part(until):
                await self._exports.give_back(held)
                await self._announcements.requested(export)
                return
            added, ended = await self._part(held, progress)
            if added is not None:
                progress = added
                if not await self._exports.advance(held, progress, now=self._clock.now()):
                    return
            if ended:
                break
        if await self._exports.finish(held, now=self._clock.now()):
            await self._announce_finished()

    async def _part(self, held: Held, progress: Progress) -> tuple[Progress | None, bool]:
        """What there is with one more part, and whether that is all; None when there is nothing more, and one part."""
        export = held.export
        file, rows, last = self._new_file(export.order), 0, progress.position
        ended = True
        source = self._events(export.order)
        found = source.batches(export.org_id, export.order, after=progress.position, most=self._part_rows)
        async with aclosing(found) as batches:
            async for batch in batches:
                file.add([cells for _, cells in batch])
                rows += len(batch)
                last = batch[-1][0]
                if rows >= self._part_rows or file.size >= self._part_bytes:
                    ended = False  # as far as is known
                    break
        if rows == 0 and progress.parts:
            return None, True
        return await self._kept(held, progress, file.finished(), rows, last), ended

    async def _kept(self, held: Held, progress: Progress, content: bytes, rows: int, last: Position | None) -> Progress:
        order = held.export.order
        number = len(progress.parts) + 1
        key = f"{_folder(held.export)}/{held.fence}/part-{number:05}.{order.format}"
        await self._files.put(order, key, content)
        part = Part(key=key, rows=rows, size=len(content))
        return progress.model_copy(update={"parts": (*progress.parts, part), "position": last})

    async def _announce_finished(self) -> None:
        """Tell of what is done and was not told of; what the bus does not take waits for the next time."""
        for export in await self._exports.unannounced(limit=_AT_ONCE):
            try:
                await self._announcements.completed(export)
            except PublishFailed as error:
                logger().warning("export not announced", extra={"reason": error.detail})
                return
            await self._exports.announced(export.id)

    def _time_for_a_part(self, until: datetime) -> bool:
        return self._clock.now() + _FOR_A_PART <= until


def _folder(export: Export) -> str:
    return f"exports/{export.org_id}/{export.id}"
