"""Keeping what was said in calls."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from integration.content_log.events import ContentRecorded
from integration.content_log.objects import Content
from llmo_core.clock import Clock


class Noted(Protocol):
    """Which contents there are."""

    async def erased(self, org_id: UUID, call_id: UUID) -> bool:
        """Whether a content was erased."""
        ...

    async def add(self, org_id: UUID, row: Mapping[str, Any]) -> bool:
        """Note a content; whether it is wanted, and was not erased meanwhile."""
        ...


class Contents(Protocol):
    """The contents themselves."""

    async def put(self, org_id: UUID, call_id: UUID, retention_days: int, content: Content) -> None:
        """Keep a content. Safe to repeat."""
        ...

    async def delete(self, org_id: UUID, call_id: UUID, retention_days: int) -> None:
        """Delete a content. Safe to repeat."""
        ...


class ContentLog:
    """Keeps contents of calls, each once, for as long as its project wanted when the call was made."""

    def __init__(self, *, noted: Noted, contents: Contents, clock: Clock) -> None:
        self._noted = noted
        self._contents = contents
        self._clock = clock

    async def keep(self, recorded: ContentRecorded) -> None:
        """Keep one. Safe to repeat. Raises DatabaseUnavailable, ObjectsUnavailable."""
        expires_at = recorded.started_at + timedelta(days=recorded.retention_days)
        if expires_at <= self._clock.now():
            return
        told = recorded.model_dump(exclude={"call_id", "request", "response", "cut"})
        row = {name: _storable(value) for name, value in told.items()}
        if not await self._noted.add(recorded.org_id, {**row, "id": recorded.call_id, "expires_at": expires_at}):
            return
        where = recorded.org_id, recorded.call_id, recorded.retention_days
        content = Content(request=recorded.request, response=recorded.response, cut=recorded.cut)
        await self._contents.put(*where, content)
        if await self._noted.erased(recorded.org_id, recorded.call_id):  # while it was put there
            await self._contents.delete(*where)


def _storable(value: object) -> object:
    """Texts as PostgreSQL holds them: without NUL, which callers and providers may well send."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
