"""Watching one's inbox."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from notification.inbox.models import Whose
from notification.live.models import Arrived, Beat, Begun, Displaced, Ended, Failed, Gap, LiveUnavailable, Message

LONGEST_SECONDS: Final = 300.0
"""A stream ends by itself: Lambda does not tell a function that its client has left, and bills what it runs on."""
HEARTBEAT_SECONDS: Final = 15.0
RENEWAL_SECONDS: Final = 20.0
_LONGEST_WAIT_SECONDS: Final = 1.0


class LiveInboxes(Protocol):
    """What came into inboxes lately. Every method raises LiveUnavailable."""

    async def take(self, user_id: UUID, watcher: str) -> None:
        """Take a watcher on for a minute, in place of the person's oldest where they have many."""
        ...

    async def keep(self, user_id: UUID, watcher: str) -> bool:
        """Keep a watcher on for a minute more; False when others have its place."""
        ...

    async def leave(self, user_id: UUID, watcher: str) -> None:
        """Make room for another watcher."""
        ...

    async def last(self, user_id: UUID) -> str:
        """The position of what came last, or of now."""
        ...

    async def complete_since(self, user_id: UUID, position: str) -> bool:
        """Whether all is still there that came after a position."""
        ...

    async def after(self, user_id: UUID, position: str, wait_seconds: float) -> Sequence[Arrived]:
        """What came after a position, or the first thing that comes; nothing when nothing comes in time."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """A watcher that was taken on.

    Attributes:
        watcher: Its own id; behind those of earlier watchers.
        position: After what it is told what comes.
        gap: Whether some before that may be gone.
    """

    whose: Whose
    watcher: str
    position: str
    gap: bool


class WatchingInboxes:
    """Lets people watch their inboxes.

    Args:
        timer: Monotonic seconds.
        new_watcher: Makes ids of which no two are the same, and a later one sorts behind.
    """

    def __init__(self, *, inboxes: LiveInboxes, timer: Callable[[], float], new_watcher: Callable[[], str]) -> None:
        self._inboxes = inboxes
        self._timer = timer
        self._new_watcher = new_watcher

    async def begin(self, whose: Whose, *, last_seen: str | None) -> Watch:
        """Take a watcher on; `leave` ends what this begins.

        Args:
            whose: Whose inbox, and as a member of which organization.
            last_seen: The position after which an earlier stream is resumed.

        Raises LiveUnavailable.
        """
        watcher = self._new_watcher()
        await self._inboxes.take(whose.user_id, watcher)
        position = await self._inboxes.last(whose.user_id) if last_seen is None else last_seen
        gap = last_seen is not None and not await self._inboxes.complete_since(whose.user_id, last_seen)
        return Watch(whose, watcher, position, gap)

    async def messages(self, watch: Watch) -> AsyncIterator[Message]:
        """What a watcher is told, until its time is over. A fault of the store is the last message."""
        user_id = watch.whose.user_id
        started = renewed = told = self._timer()
        position = watch.position
        end: Message = Ended()
        yield Begun(position)
        if watch.gap:
            yield Gap()
        try:
            while (now := self._timer()) - started < LONGEST_SECONDS:
                if now - renewed >= RENEWAL_SECONDS:
                    renewed = now
                    if not await self._inboxes.keep(user_id, watch.watcher):
                        end = Displaced()
                        break
                if now - told >= HEARTBEAT_SECONDS:
                    told = now
                    yield Beat()
                for arrived in await self._inboxes.after(user_id, position, _LONGEST_WAIT_SECONDS):
                    position = arrived.position
                    if arrived.item is not None and arrived.item.org_id in {None, watch.whose.org_id}:
                        told = self._timer()
                        yield arrived
        except LiveUnavailable as error:
            yield Failed(error.code, error.detail)
            return
        yield end

    async def leave(self, watch: Watch) -> None:
        """Make room for another watcher; where that fails, a minute does it."""
        try:
            await self._inboxes.leave(watch.whose.user_id, watch.watcher)
        except LiveUnavailable:
            return
