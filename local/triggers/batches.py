"""What event source mappings have in common: one function, fed batch by batch, a few batches at once."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from local.triggers.clock import Clock, SystemClock

BATCHES_AT_ONCE = 2
QUIET_SECONDS = 0.05  # after which a batch is not waited for any longer
RETRY_PAUSE_SECONDS = 2.0  # before a broker that does not answer is tried again


class BatchFeeder(ABC):
    """Runs until it is stopped; batches that are under way then are finished.

    Args:
        function: Logical id of the consumer.
        clock: Measures and waits.

    Attributes:
        function: As given.
        ready: Whether the queue is being read.
    """

    def __init__(self, function: str, clock: Clock | None) -> None:
        self.function = function
        self.ready = False
        self._clock: Clock = clock or SystemClock()
        self._places = asyncio.Semaphore(BATCHES_AT_ONCE)
        self._batches: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read the queue."""
        self._loop = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more, and wait for batches under way. Safe to call twice."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None
        self.ready = False
        await self._finish()

    @abstractmethod
    async def _read(self) -> None:
        """Gather batches and hand them over, for ever."""

    async def _next[Batch](self, gather: Callable[[], Awaitable[Batch]]) -> Batch:
        """A batch, gathered once there is a place for it; it keeps the place until it is worked off."""
        await self._places.acquire()
        try:
            return await gather()
        except BaseException:
            self._places.release()
            raise

    def _hand_over(self, work: Coroutine[object, object, None]) -> None:
        """Work a batch off in the background, and free its place."""
        task = asyncio.create_task(work)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        task.add_done_callback(lambda _: self._places.release())

    async def _finish(self) -> None:
        """Return when no batch is under way."""
        while self._batches:
            await asyncio.wait(self._batches)
