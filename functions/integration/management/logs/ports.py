"""What the use cases of contents need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.logs.models import ContentLogging, Contents, LoggedCall, Looked


class Loggings(Protocol):
    """What projects want kept; every method is limited to the organization that it names."""

    async def page(self, org_id: UUID, *, after: UUID | None, limit: int) -> Sequence[ContentLogging]:
        """At most `limit` of them, ordered by their projects' ids, behind the one of the project `after`."""
        ...

    async def find(self, org_id: UUID, project_id: UUID) -> ContentLogging | None:
        """What a project wants kept; None when it wants nothing."""
        ...

    async def last_version(self, org_id: UUID, project_id: UUID) -> int:
        """The latest version that there ever was; 0 of none."""
        ...

    async def put(self, logging: ContentLogging) -> None:
        """Keep what a project wants, in place of what it wanted."""
        ...

    async def remove(self, logging: ContentLogging, *, at: datetime) -> None:
        """Mark it as removed."""
        ...


class LoggedCalls(Protocol):
    """Calls whose contents are kept, without those that have expired or were erased."""

    async def page(
        self, org_id: UUID, looked: Looked, *, now: datetime, before: UUID | None, limit: int
    ) -> Sequence[LoggedCall]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, call_id: UUID, *, now: datetime) -> LoggedCall | None:
        """One of them."""
        ...

    async def erase(self, org_id: UUID, call_ids: Sequence[UUID], *, at: datetime) -> None:
        """Mark some as erased: their contents are not kept either when they are delivered again."""
        ...


class KeptContents(Protocol):
    """The contents. Everything raises ContentsUnavailable."""

    async def get(self, call: LoggedCall) -> Contents | None:
        """What was said in a call; None when it is not there, or not yet."""
        ...

    async def delete(self, calls: Sequence[LoggedCall]) -> None:
        """Delete contents. Safe to repeat."""
        ...
