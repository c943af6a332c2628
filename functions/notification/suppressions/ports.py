"""What looking at suppressions needs of the database."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from notification.kinds.models import Channel
from notification.suppressions.models import Suppression


class Suppressions(Protocol):
    """Addresses that nothing is sent to."""

    async def page(
        self, *, channel: Channel | None, address_hash: str | None, before: UUID | None, limit: int
    ) -> Sequence[Suppression]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        ...

    async def remove(self, suppression_id: UUID) -> Suppression | None:
        """Remove one, in a transaction of no organization; None where there is none."""
        ...
