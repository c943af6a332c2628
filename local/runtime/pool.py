"""The workers of one function: as many as there is work at once, up to a limit."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine

from local.metrics.meter import Meter
from local.runtime.models import HostStopped, InitFailed, Invocation, Work
from local.runtime.worker import Worker

logger = logging.getLogger(__name__)


class WorkerPool:
    """Runs a function's invocations, each on a worker that has nothing else to do.

    An invocation that finds no idle worker waits for the next one that becomes free; meanwhile another worker starts,
    until there are `limit`. Workers that stay idle are stopped.

    Args:
        name: The function, for messages.
        launch: Starts one worker. Raises InitFailed.
        limit: At most this many workers.
        idle_seconds: A worker without work is stopped after this long.
        meter: Counts invocations, and how long they take.
    """

    def __init__(
        self,
        name: str,
        launch: Callable[[], Awaitable[Worker]],
        *,
        limit: int,
        idle_seconds: float,
        meter: Meter | None = None,
    ) -> None:
        self._name = name
        self._launch = launch
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._meter = meter or Meter()
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._busy: set[Worker] = set()
        self._outdated: set[Worker] = set()
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._starts: set[asyncio.Task[None]] = set()
        self._generation = 0
        self._stopped = False
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def size(self) -> int:
        """How many workers are alive."""
        return len(self._idle) + len(self._busy)

    async def invoke(self, work: Work) -> Invocation:
        """Run one invocation to its end, also when the caller stops waiting. Raises HostStopped."""
        if self._stopped:
            raise HostStopped(self._name)
        return await asyncio.shield(self._background(self._run(work)))

    def warm(self) -> None:
        """Start a worker ahead of the first invocation, unless there is one."""
        if not self.size and not self._starts:
            self._start_one()

    def replace(self) -> None:
        """Serve new work with new code: idle workers end now, busy ones after their invocation."""
        self._generation += 1
        had_workers = self.size > 0
        self._outdated.update(self._busy)
        for worker in list(self._idle):
            self._retire(worker)
        if had_workers and not self._starts:
            self._start_one()

    async def stop(self) -> None:
        """End all workers. Invocations under way fail as crashed, those that wait raise HostStopped."""
        self._stopped = True
        for start in self._starts:
            start.cancel()
        while self._waiting:
            self._waiting.popleft().set_exception(HostStopped(self._name))
        for worker in list(self._idle):
            self._retire(worker)
        await asyncio.gather(*(worker.stop() for worker in self._busy))
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, work: Work) -> Invocation:
        try:
            worker = await self._acquire()
        except InitFailed as error:
            self._meter.record(self._name, None, failed=True)
            return Invocation(work.request_id, error.payload, "Unhandled")
        began = time.monotonic()
        try:
            invocation = await worker.invoke(work)
            self._meter.record(self._name, time.monotonic() - began, failed=invocation.function_error is not None)
            return invocation
        finally:
            self._busy.discard(worker)
            self._offer(worker)

    async def _acquire(self) -> Worker:
        while self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            if worker.usable:
                self._busy.add(worker)
                return worker
            self._dispose(worker)
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._grow()
        return await waiter

    def _grow(self) -> None:
        while len(self._starts) < len(self._waiting) and len(self._starts) + self.size < self._limit:
            self._start_one()

    def _start_one(self) -> None:
        task = self._background(self._start())
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    async def _start(self) -> None:
        generation = self._generation
        try:
            worker = await self._launch()
        except InitFailed as error:
            self._forget_start()
            logger.warning("%s does not start: %s", self._name, error)
            if self._waiting and generation == self._generation:
                self._waiting.popleft().set_exception(error)
            self._grow()
            return
        self._forget_start()
        if generation != self._generation:
            self._outdated.add(worker)
        self._offer(worker)

    def _forget_start(self) -> None:
        """The running task has started its worker, or failed to; what it does now is no start any more."""
        if (task := asyncio.current_task()) is not None:
            self._starts.discard(task)

    def _offer(self, worker: Worker) -> None:
        """Give a worker that has nothing to do to whoever waits longest."""
        if self._stopped or not worker.usable or worker in self._outdated:
            self._outdated.discard(worker)
            self._dispose(worker)
            self._grow()
        elif self._waiting:
            self._busy.add(worker)
            self._waiting.popleft().set_result(worker)
        else:
            timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._retire, worker)
            self._idle[worker] = timer

    def _retire(self, worker: Worker) -> None:
        timer = self._idle.pop(worker, None)
        if timer is not None:
            timer.cancel()
            self._dispose(worker)

    def _dispose(self, worker: Worker) -> None:
        self._background(worker.stop())

    def _background[Result](self, work: Coroutine[object, object, Result]) -> "asyncio.Task[Result]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
