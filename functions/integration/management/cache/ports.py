"""What the use cases of purges need of the world around them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from integration.management.cache.models import Purge


class Purges(Protocol):
    """Purges; every method is limited to the organization that it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Purge]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def add(self, purge: Purge) -> None:
        """Keep a new one."""
        ...
