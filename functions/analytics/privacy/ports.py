"""What erasing needs of the world around it. Everything raises StoreUnavailable, TooSlow."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from analytics.deadlines import Deadline
from analytics.erasures.models import Person
from analytics.privacy.models import Part


class Traces(Protocol):
    """Documents of one kind that name people."""

    async def of(self, org_id: UUID, person: Person, *, limit: int) -> Part:
        """At most `limit` of a person's."""
        ...

    async def erase(self, org_id: UUID, part: Part) -> None:
        """Have them name nobody. Safe to repeat."""
        ...


class Minutes(Protocol):
    """Whoever keeps sums over minutes."""

    async def mark(self, org_id: UUID, minutes: Collection[datetime]) -> None:
        """Have the organization's sums of these minutes be made anew. Safe to repeat."""
        ...


class Memory(Protocol):
    """Who was erased: what arrives later does not name them."""

    async def remember(self, org_id: UUID, person: Person, *, at: datetime) -> None:
        """Keep that a person was. Safe to repeat."""
        ...


class Names(Protocol):
    """Sums that outlive what they are made of."""

    async def forget(self, org_id: UUID, name: str, *, deadline: Deadline) -> int:
        """Have none name an end user: how many did. Safe to repeat."""
        ...


class Files(Protocol):
    """Files that were made of events and calls, and what was asked for them. Raises ObjectsUnavailable, too."""

    async def withdraw(self, org_id: UUID, *, now: datetime) -> int:
        """Delete an organization's files, and have those that are being made begin anew; how many. Safe to repeat."""
        ...

    async def rename(self, org_id: UUID, user_id: str) -> None:
        """Have no criterion and no filter name an end user. Safe to repeat."""
        ...
