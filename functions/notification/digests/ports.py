"""What digests need of the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.digests.models import DueDigest, Gathered
from notification.models import Gaps
from notification.planning.models import Notification


class Digests(Protocol):
    """Messages that wait for digests."""

    async def due(self, *, now: datetime, limit: int) -> Sequence[DueDigest]:
        """Digests that are to go, of all organizations."""
        ...

    async def gathered(self, due: DueDigest, *, shown: int) -> Sequence[Gathered]:
        """What waits for one, in order; nobody else has it before the transaction under way ends, and nobody leaves.

        Only the first `shown` have their variables.
        """
        ...

    async def postpone(self, due: DueDigest, reason: str, gaps: Gaps, *, now: datetime) -> None:
        """Note that one could not be made: it is tried again after a gap, or given up."""
        ...

    async def digested(self, org_id: UUID | None, message_ids: Sequence[UUID], *, now: datetime) -> None:
        """Note that messages are parts of a digest now."""
        ...


class Kept(Protocol):
    """Where the digest itself is kept."""

    async def add(self, notification: Notification) -> bool:
        """Keep one; False, and nothing, where there is one with its dedupe key."""
        ...
