"""What erasing needs of the world around it. Everything raises StoreUnavailable, TooSlow."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from analytics.privacy.models import Part


class Traces(Protocol):
    """Documents of one kind that name people."""

    async def of(self, org_id: UUID, user_id: str, *, limit: int) -> Part:
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
