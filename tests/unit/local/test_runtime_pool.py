import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from local.runtime.models import HostStopped, InitFailed, Invocation, Work, error_payload
from local.runtime.pool import WorkerPool
from local.runtime.worker import Worker


class FakeWorker:
    """Finishes an invocation when the test says so."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.usable = True
        self.stopped = False
        self.work: asyncio.Queue[Work] = asyncio.Queue()
        self._results: asyncio.Queue[None] = asyncio.Queue()

    async def invoke(self, work: Work) -> Invocation:
        self.work.put_nowait(work)
        await self._results.get()
        return Invocation(work.request_id, str(self.number).encode())

    def finish(self) -> None:
        self._results.put_nowait(None)

    async def stop(self) -> None:
        self.usable = False
        self.stopped = True


class Launcher:
    """Starts workers, or fails to, when the test says so."""

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.launches: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def __call__(self) -> Worker:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.launches.put_nowait(started)
        await started
        worker = FakeWorker(len(self.workers))
        self.workers.append(worker)
        return cast("Worker", worker)

    async def succeed(self) -> None:
        (await self.launches.get()).set_result(None)

    async def fail(self) -> None:
        (await self.launches.get()).set_exception(InitFailed(error_payload("ImportError", "no")))


@pytest.fixture
def launcher() -> Launcher:
    return Launcher()


@pytest.fixture
async def pool(launcher: Launcher) -> AsyncIterator[WorkerPool]:
    tested = WorkerPool("Function", launcher, limit=2, idle_seconds=3600)
    yield tested
    for worker in launcher.workers:
        worker.finish()
    await tested.stop()
    assert all(worker.stopped for worker in launcher.workers)


def invoke(pool: WorkerPool) -> "asyncio.Task[Invocation]":
    return asyncio.create_task(pool.invoke(Work(b"{}")))


async def test_an_idle_worker_is_used_again(pool: WorkerPool, launcher: Launcher) -> None:
    first = invoke(pool)
    await launcher.succeed()
    await settle()
    launcher.workers[0].finish()
    await first

    second = invoke(pool)
    launcher.workers[0].finish()

    assert (await second).payload == b"0"
    assert pool.size == 1


async def test_an_invocation_takes_whichever_worker_is_free_first(pool: WorkerPool, launcher: Launcher) -> None:
    first = invoke(pool)
    await launcher.succeed()
    await settle()
    second = invoke(pool)
    await settle()
    launcher.workers[0].finish()
    launcher.workers[0].finish()

    assert [(await task).payload for task in (first, second)] == [b"0", b"0"]
    await launcher.succeed()


async def test_over_the_limit_invocations_wait_in_order(pool: WorkerPool, launcher: Launcher) -> None:
    tasks = [invoke(pool) for _ in range(4)]
    await launcher.succeed()
    await launcher.succeed()
    await settle()
    assert launcher.launches.empty()
    assert [task.done() for task in tasks] == [False] * 4

    for _ in range(2):
        for worker in launcher.workers:
            worker.finish()

    assert len(await asyncio.gather(*tasks)) == 4


async def test_a_failed_start_fails_one_invocation_and_the_next_tries_again(
    pool: WorkerPool, launcher: Launcher
) -> None:
    first = invoke(pool)
    await launcher.fail()

    assert (await first).function_error == "Unhandled"
    second = invoke(pool)
    await launcher.succeed()
    await settle()
    launcher.workers[0].finish()
    assert (await second).function_error is None


async def test_new_code_ends_idle_workers_at_once_and_busy_ones_after_their_invocation(
    pool: WorkerPool, launcher: Launcher
) -> None:
    tasks = [invoke(pool), invoke(pool)]
    await launcher.succeed()
    await launcher.succeed()
    await settle()
    idle, busy = launcher.workers
    idle.finish()
    await tasks[0]

    pool.replace()
    await launcher.succeed()
    await settle()
    assert (idle.stopped, busy.stopped) == (True, False)

    busy.finish()
    assert (await tasks[1]).payload == b"1"
    await settle()
    assert busy.stopped
    third = invoke(pool)
    await settle()
    launcher.workers[2].finish()
    assert (await third).payload == b"2"


async def test_a_worker_that_started_with_old_code_is_not_used(pool: WorkerPool, launcher: Launcher) -> None:
    task = invoke(pool)
    await settle()
    pool.replace()
    await launcher.succeed()
    await launcher.succeed()
    await settle()

    assert launcher.workers[0].stopped
    launcher.workers[1].finish()
    assert (await task).payload == b"1"


async def test_an_unusable_worker_is_replaced(pool: WorkerPool, launcher: Launcher) -> None:
    first = invoke(pool)
    await launcher.succeed()
    await settle()
    launcher.workers[0].usable = False
    launcher.workers[0].finish()
    await first

    second = invoke(pool)
    await launcher.succeed()
    await settle()
    launcher.workers[1].finish()
    assert (await second).payload == b"1"


async def test_a_pool_can_be_warmed_once(pool: WorkerPool, launcher: Launcher) -> None:
    pool.warm()
    pool.warm()
    await launcher.succeed()
    await settle()
    pool.warm()

    assert launcher.launches.empty()
    assert pool.size == 1


async def test_a_stopped_pool_takes_no_work_fails_what_waits_and_starts_nothing_more(launcher: Launcher) -> None:
    pool = WorkerPool("Function", launcher, limit=1, idle_seconds=3600)
    waiting = invoke(pool)
    start = await launcher.launches.get()

    await pool.stop()

    assert start.cancelled()
    with pytest.raises(HostStopped):
        await waiting
    with pytest.raises(HostStopped):
        await pool.invoke(Work(b"{}"))
    assert launcher.workers == []


async def settle() -> None:
    """Let everything run that can run without waiting for the test."""
    for _ in range(10):
        await asyncio.sleep(0)
