"""Watching an organization's calls while they are settled."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from integration.live.models import (
    Beat,
    Begun,
    Ended,
    Failed,
    Gap,
    LiveUnavailable,
    Message,
    OtherProject,
    Seen,
    Summary,
    TooManyWatchers,
    UnknownOrganization,
    WatchedCall,
)

LONGEST_SECONDS: Final = 300.0
"""A stream ends by itself: Lambda does not tell a function that its client has left, and bills what it runs on."""
HEARTBEAT_SECONDS: Final = 15.0
SUMMARY_SECONDS: Final = 5.0
RENEWAL_SECONDS: Final = 20.0
_LONGEST_WAIT_SECONDS: Final = 1.0


class Organizations(Protocol):
    """What is known of organizations."""

    async def reference(self, org_id: UUID) -> str | None:
        """What an organization's keys in Redis begin with; None when it is closed."""
        ...


class LiveCalls(Protocol):
    """The calls of watched organizations. Every method raises LiveUnavailable."""

    async def watch(self, org_ref: str, watcher: str) -> bool:
        """Take a watcher on, or keep it on for a minute; False when there are too many."""
        ...

    async def leave(self, org_ref: str, watcher: str) -> None:
        """Make room for another watcher."""
        ...

    async def last(self, org_ref: str) -> str:
        """The position of the last call."""
        ...

    async def has(self, org_ref: str, position: str) -> bool:
        """Whether the call at a position is still there."""
        ...

    async def after(self, org_ref: str, position: str, wait_seconds: float) -> Sequence[Seen]:
        """What came after a position, or the first thing that comes; nothing when nothing comes in time."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """A watcher that was taken on.

    Attributes:
        project_id: The only project whose calls it sees; None for all of them.
        position: After what it sees calls.
        gap: Whether some before those may be gone.
    """

    org_ref: str
    watcher: str
    project_id: UUID | None
    position: str
    gap: bool


class Watching:
    """Lets callers watch.

    Args:
        timer: Monotonic seconds.
        new_watcher: Makes ids of which no two are the same.
    """

    def __init__(
        self,
        *,
        organizations: Organizations,
        calls: LiveCalls,
        timer: Callable[[], float],
        new_watcher: Callable[[], str],
    ) -> None:
        self._organizations = organizations
        self._calls = calls
        self._timer = timer
        self._new_watcher = new_watcher

    async def begin(
        self, org_id: UUID, *, own_project: UUID | None, wanted: UUID | None, last_seen: str | None
    ) -> Watch:
        """Take a watcher on; `leave` ends what this begins.

        Args:
            org_id: Whose calls.
            own_project: The project that the caller's credentials are for, and so the only one that it sees.
            wanted: The project that the caller asks for.
            last_seen: The position after which an earlier stream is resumed.

        Raises OtherProject, UnknownOrganization, TooManyWatchers, LiveUnavailable.
        """
        if own_project is not None and wanted not in {None, own_project}:
            raise OtherProject
        org_ref = await self._organizations.reference(org_id)
        if org_ref is None:
            raise UnknownOrganization
        watcher = self._new_watcher()
        if not await self._calls.watch(org_ref, watcher):
            raise TooManyWatchers(retry_after_seconds=RENEWAL_SECONDS)
        position = await self._calls.last(org_ref) if last_seen is None else last_seen
        gap = last_seen is not None and not await self._calls.has(org_ref, last_seen)
        return Watch(org_ref, watcher, own_project or wanted, position, gap)

    async def messages(self, watch: Watch) -> AsyncIterator[Message]:
        """What a watcher is told, until its time is over. A fault of the store is the last message."""
        started = renewed = self._timer()
        position, telling = watch.position, _Telling(started)
        yield Begun()
        if watch.gap:
            yield Gap()
        try:
            while (now := self._timer()) - started < LONGEST_SECONDS:
                if now - renewed >= RENEWAL_SECONDS:
                    renewed = now
                    if not await self._calls.watch(watch.org_ref, watch.watcher):
                        break  # it was away for so long that others took its place
                if (due := telling.due(now)) is not None:
                    yield due
                for seen in await self._calls.after(watch.org_ref, position, _LONGEST_WAIT_SECONDS):
                    position = seen.position
                    if seen.call is not None and watch.project_id in {None, seen.call.project_id}:
                        telling.saw(seen.call, self._timer())
                        yield seen
        except LiveUnavailable as error:
            yield Failed(error.code, error.detail)
            return
        if telling.unsaid:
            yield telling.summary
        yield Ended()

    async def leave(self, watch: Watch) -> None:
        """Make room for another watcher; where that fails, a minute does it."""
        try:
            await self._calls.leave(watch.org_ref, watch.watcher)
        except LiveUnavailable:
            return


class _Telling:
    """When a watcher is told something though no call was settled."""

    def __init__(self, started: float) -> None:
        self.summary = Summary()
        self.unsaid = False
        self._told = self._summed = started

    def saw(self, call: WatchedCall, now: float) -> None:
        """A call was told."""
        self.summary, self.unsaid, self._told = self.summary.plus(call), True, now

    def due(self, now: float) -> Message | None:
        """What is to be told now, if anything."""
        if self.unsaid and now - self._summed >= SUMMARY_SECONDS:
            self._summed, self._told, self.unsaid = now, now, False
            return self.summary
        if now - self._told >= HEARTBEAT_SECONDS:
            self._told = now
            return Beat()
        return None
