import asyncio
import heapq
from datetime import UTC, datetime, timedelta

import pytest


class ManualClock:
    """A clock that a test moves; whoever sleeps wakes when it passes their time."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._count, future))
        self._slept.set()
        await future

    async def someone_sleeps(self) -> float:
        """Wait until somebody sleeps, and return for how many seconds the next one does."""
        while not self._sleepers:
            self._slept.clear()
            await self._slept.wait()
        return (self._sleepers[0][0] - self._now).total_seconds()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
