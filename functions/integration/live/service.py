"""Watching an organization's calls while they are settled."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from integration.live.models import (
    Beat,
    Begun,
    Displaced,
    Ended,
    Failed,
    Gap,
    LiveUnavailable,
    Message,
    Missed,
    OtherProject,
    Place,
    Seen,
    Summary,
    TooManyWatchers,
    UnknownOrganization,
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

    async def take(self, org_ref: str, place: Place) -> bool:
        """Take a watcher on for a minute, in place of its actor's oldest where that has many; False for too many."""
        ...

    async def keep(self, org_ref: str, place: Place) -> bool:
        """Keep a watcher on for a minute more; False when others have its place."""
        ...

    async def leave(self, org_ref: str, place: Place) -> None:
        """Make room for another watcher."""
        ...

    async def last(self, org_ref: str) -> str:
        """The position of the last call."""
        ...

    async def has(self, org_ref: str, position: str) -> bool:
        """Whether the entry at a position is still there, and so all that came after it."""
        ...

    async def after(self, org_ref: str, position: str, wait_seconds: float) -> Sequence[Seen | Missed]:
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
    place: Place
    project_id: UUID | None
    position: str
    gap: bool


class Watching:
    """Lets callers watch.

    Args:
        timer: Monotonic seconds.
        new_watcher: Makes ids of which no two are the same, and a later one sorts behind.
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
        self, org_id: UUID, *, actor_id: UUID, own_project: UUID | None, wanted: UUID | None, last_seen: str | None
    ) -> Watch:
        """Take a watcher on; `leave` ends what this begins.

        Args:
            org_id: Whose calls.
            actor_id: Who watches; where it has too many streams its oldest one ends.
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
        place = Place(actor_id, self._new_watcher())
        if not await self._calls.take(org_ref, place):
            raise TooManyWatchers(retry_after_seconds=RENEWAL_SECONDS)
        position = await self._calls.last(org_ref) if last_seen is None else last_seen
        gap = last_seen is not None and not await self._calls.has(org_ref, last_seen)
        return Watch(org_ref, place, own_project or wanted, position, gap)

    async def messages(self, watch: Watch) -> AsyncIterator[Message]:
        """What a watcher is told, until its time is over. A fault of the store is the last message."""
        started = renewed = self._timer()
        position, telling = watch.position, _Telling(started)
        end: Message = Ended()
        yield Begun(position)
        if watch.gap:
            telling.told_gap = True
            yield Gap()
        try:
            while (now := self._timer()) - started < LONGEST_SECONDS:
                if now - renewed >= RENEWAL_SECONDS:
                    renewed = now
                    if not await self._calls.keep(watch.org_ref, watch.place):
                        end = Displaced()
                        break
                if (due := telling.due(now)) is not None:
                    yield due
                for found in await self._calls.after(watch.org_ref, position, _LONGEST_WAIT_SECONDS):
                    position = found.position
                    if (message := telling.of(found, watch.project_id, self._timer())) is not None:
                        yield message
        except LiveUnavailable as error:
            yield Failed(error.code, error.detail)
            return
        if telling.unsaid:
            yield telling.summary
        yield end

    async def leave(self, watch: Watch) -> None:
        """Make room for another watcher; where that fails, a minute does it."""
        try:
            await self._calls.leave(watch.org_ref, watch.place)
        except LiveUnavailable:
            return


class _Telling:
    """What a watcher is told, and when though no call was settled."""

    def __init__(self, started: float) -> None:
        self.summary = Summary()
        self.unsaid = False
        self.told_gap = False
        self._told = self._summed = started

    def of(self, found: Seen | Missed, project_id: UUID | None, now: float) -> Message | None:
        """What is to be told of something in the stream, if anything: a gap once, before the next call."""
        if isinstance(found, Missed):
            told, self.told_gap = self.told_gap, True
            return None if told else Gap()
        if found.call is None or project_id not in {None, found.call.project_id}:
            return None
        self.summary, self.unsaid, self.told_gap, self._told = self.summary.plus(found.call), True, False, now
        return found

    def due(self, now: float) -> Message | None:
        """What is to be told now, if anything."""
        if self.unsaid and now - self._summed >= SUMMARY_SECONDS:
            self._summed, self._told, self.unsaid = now, now, False
            return self.summary
        if now - self._told >= HEARTBEAT_SECONDS:
            self._told = now
            return Beat()
        return None
