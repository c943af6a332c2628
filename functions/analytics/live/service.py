"""Watching what calls of the last minute come to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from analytics.live.models import COUNTED, WINDOW, Beat, Counters, Ended, Failed, Message, TooManyWatchers
from analytics.live.ports import Asked, Watchers
from analytics.models import StoreUnavailable
from analytics.querying.models import Question
from analytics.usage.models import Dimension
from llmo_core.clock import Clock
from llmo_core.errors import LlmoError

LONGEST: Final = timedelta(minutes=5)
"""A stream ends by itself: Lambda does not tell a function that its client has left, and bills what it runs on."""
MOST_WATCHERS: Final = 20
_SHARE: Final = 5
_EVERY: Final = timedelta(seconds=2)
_HEARTBEAT: Final = timedelta(seconds=15)


class LastMinute:
    """Adds up the calls of an organization's last minute."""

    def __init__(self, *, answers: Asked, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock

    async def counters(self, org_id: UUID) -> Counters:
        """The last minute until now. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        at = self._clock.now()
        question = Question(
            org_id=org_id, start=at - WINDOW, end=at, metrics=COUNTED, dimensions=(Dimension.MODEL,), limit=100
        )
        return Counters(at=at, answer=await self._answers.ask(question))


class Watching:
    """Lets dashboards watch the last minute.

    Args:
        most: How many of an organization watch at once; see `most_watchers`.
        pause: Waits for so many seconds.
        new_watcher: Makes ids of which no two are the same.
    """

    def __init__(
        self,
        *,
        last_minute: LastMinute,
        watchers: Watchers,
        clock: Clock,
        most: int,
        pause: Callable[[float], Awaitable[None]],
        new_watcher: Callable[[], str],
    ) -> None:
        self._last_minute = last_minute
        self._watchers = watchers
        self._clock = clock
        self._most = most
        self._pause = pause
        self._new_watcher = new_watcher

    async def begin(self, org_id: UUID) -> str:
        """Take a watcher on; `leave` ends what this begins. Raises TooManyWatchers, StoreUnavailable."""
        watcher, now = self._new_watcher(), self._clock.now()
        if not await self._watchers.take(org_id, watcher, now=now, until=now + LONGEST, most=self._most):
            raise TooManyWatchers(retry_after_seconds=LONGEST.total_seconds())
        return watcher

    async def messages(self, org_id: UUID) -> AsyncIterator[Message]:
        """Counters every two seconds, when they have changed. A fault of the store is the last message."""
        begun = told = self._clock.now()
        shown: Counters | None = None
        while (now := self._clock.now()) - begun < LONGEST:
            try:
                counters = await self._last_minute.counters(org_id)
            except LlmoError as error:
                yield Failed(code=error.code, detail=error.detail)
                return
            if shown is None or _differ(counters, shown):
                shown, told = counters, now
                yield counters
            elif now - told >= _HEARTBEAT:
                told = now
                yield Beat()
            await self._pause(_EVERY.total_seconds())
        yield Ended()

    async def leave(self, watcher: str) -> None:
        """Make room for another watcher; where that fails, five minutes do it."""
        try:
            await self._watchers.leave(watcher)
        except StoreUnavailable:
            return


def most_watchers(executions: int) -> int:
    """How many of one organization watch at once, where all of them share so many executions; 0 for any number.

    A fifth of them and twenty at most, so that one organization never takes what there is.
    """
    return min(MOST_WATCHERS, max(executions // _SHARE, 1)) if executions else MOST_WATCHERS


def _differ(counters: Counters, shown: Counters) -> bool:
    return (counters.answer.rows, counters.answer.totals) != (shown.answer.rows, shown.answer.totals)
