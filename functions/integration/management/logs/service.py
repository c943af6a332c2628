"""What one can do about contents of calls."""

from collections.abc import Collection
from uuid import UUID

from integration.management.logs.models import (
    ContentLogging,
    ContentLoggingChanged,
    ContentLoggingRemoved,
    Contents,
    ContentsErased,
    LoggedCall,
    Looked,
    UnknownContentLogging,
    UnknownLog,
    Wish,
)
from integration.management.logs.ports import KeptContents, LoggedCalls, Loggings
from integration.management.models import ChangedMeanwhile
from integration.management.ports import Change
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction

_ERASED_TOGETHER = 100


class LoggingService:
    """Says what projects want kept. Whoever is bound to a project speaks for that one alone."""

    def __init__(self, *, loggings: Loggings, events: Events, change: Change, clock: Clock) -> None:
        self._loggings = loggings
        self._events = events
        self._change = change
        self._clock = clock

    async def page(self, principal: Principal, *, after: UUID | None, limit: int) -> Page[ContentLogging]:
        """What projects of the caller's organization want kept."""
        own = principal.project_id
        if own is not None:
            found = await self._loggings.find(principal.org_id, own) if after is None else None
            return Page.of([found] if found else [], limit)
        return Page.of(await self._loggings.page(principal.org_id, after=after, limit=limit + 1), limit)

    async def find(self, principal: Principal, project_id: UUID) -> ContentLogging:
        """What a project wants kept. Raises UnknownContentLogging."""
        _require_own(principal, project_id)
        found = await self._loggings.find(principal.org_id, project_id)
        if found is None:
            raise UnknownContentLogging
        return found

    async def put(
        self, principal: Principal, project_id: UUID, wish: Wish, *, expected: Collection[int] | None
    ) -> tuple[ContentLogging, bool]:
        """Say what a project wants kept, and whether it wanted nothing before. Safe to repeat.

        Raises ChangedMeanwhile, also when a version is expected and there is none.
        """
        _require_own(principal, project_id)
        org_id = principal.org_id
        async with self._change(org_id):
            before = await self._loggings.find(org_id, project_id)
            if before is not None:
                before.require_version(expected)
            elif expected is not None:
                raise ChangedMeanwhile
            if before is not None and before.wish == wish:
                return before, False
            logging = ContentLogging(
                retention_days=wish.retention_days,
                redact=wish.redact,
                org_id=org_id,
                project_id=project_id,
                version=1 + await self._loggings.last_version(org_id, project_id),
                updated_by=principal.actor_id,
                updated_at=self._clock.now(),
            )
            await self._loggings.put(logging)
            await self._events.announce(ContentLoggingChanged.of(logging), org_id=org_id, aggregate_id=project_id)
        return logging, before is None

    async def remove(self, principal: Principal, project_id: UUID) -> None:
        """Keep nothing of a project's calls from now on. Raises UnknownContentLogging."""
        org_id = principal.org_id
        async with self._change(org_id):
            await self._loggings.remove(await self.find(principal, project_id), at=self._clock.now())
            removed = ContentLoggingRemoved(project_id=project_id, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=project_id)


class LogService:
    """Shows and erases what was kept. Whoever is bound to a project sees that project's alone."""

    def __init__(
        self, *, calls: LoggedCalls, contents: KeptContents, events: Events, transaction: Transaction, clock: Clock
    ) -> None:
        self._calls = calls
        self._contents = contents
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def page(self, principal: Principal, looked: Looked, *, before: UUID | None, limit: int) -> Page[LoggedCall]:
        """Calls whose contents are kept, the newest first."""
        mine = _within(principal, looked)
        if mine is None:
            return Page.of((), limit)
        found = await self._calls.page(principal.org_id, mine, now=self._clock.now(), before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def read(self, principal: Principal, call_id: UUID) -> tuple[LoggedCall, Contents]:
        """A call with its contents. Raises UnknownLog, ContentsUnavailable."""
        call = await self._find(principal, call_id)
        contents = await self._contents.get(call)
        if contents is None:
            raise UnknownLog
        return call, contents

    async def erase(self, principal: Principal, call_id: UUID) -> None:
        """Erase the contents of a call. Raises UnknownLog, ContentsUnavailable."""
        await self._erase(principal, [await self._find(principal, call_id)])

    async def erase_all(self, principal: Principal, looked: Looked) -> tuple[int, bool]:
        """Erase contents of at most a hundred calls: how many they were, and whether there are more.

        Raises ContentsUnavailable.
        """
        page = await self.page(principal, looked, before=None, limit=_ERASED_TOGETHER)
        if page.data:
            await self._erase(principal, list(page.data))
        return len(page.data), page.last is not None

    async def _find(self, principal: Principal, call_id: UUID) -> LoggedCall:
        call = await self._calls.find(principal.org_id, call_id, now=self._clock.now())
        if call is None or principal.project_id not in {None, call.project_id}:
            raise UnknownLog
        return call

    async def _erase(self, principal: Principal, calls: list[LoggedCall]) -> None:
        """What is deleted but not marked yet is found again, and deleted again."""
        await self._contents.delete(calls)
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._calls.erase(org_id, [call.id for call in calls], at=self._clock.now())
            erased = ContentsErased(erased=len(calls), erased_by=principal.actor_id)
            await self._events.announce(erased, org_id=org_id, aggregate_id=org_id)


def _require_own(principal: Principal, project_id: UUID) -> None:
    """Raise UnknownContentLogging for another project than the one that somebody is bound to."""
    if principal.project_id not in {None, project_id}:
        raise UnknownContentLogging


def _within(principal: Principal, looked: Looked) -> Looked | None:
    """What somebody may look for; None when that is nothing."""
    own = principal.project_id
    if own is None:
        return looked
    if looked.project_id not in {None, own}:
        return None
    return looked.model_copy(update={"project_id": own})
