"""What taking receipts needs of the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.kinds.models import Channel
from notification.receipts.models import Changed, Receipt, Suppression, Told


class Receipts(Protocol):
    """Receipts, and the messages that they are about. All but `owners` and `suppress` in the organization's part."""

    async def owners(self, message_ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """Whose those of the messages are that exist."""
        ...

    async def lock(self, org_id: UUID | None, message_ids: Collection[UUID]) -> Sequence[Told]:
        """Those of the organization's messages, which nobody else changes until the transaction ends."""
        ...

    async def add(self, org_id: UUID | None, receipts: Sequence[Receipt], now: datetime) -> Collection[str]:
        """Keep receipts; the ids of those that were not kept before."""
        ...

    async def change(self, org_id: UUID | None, changed: Sequence[Changed], now: datetime) -> None:
        """Keep what becomes of messages. What no sender has noted as sent is by this."""
        ...

    async def suppress(self, addresses: Mapping[tuple[Channel, str], tuple[Suppression, UUID]], now: datetime) -> None:
        """Send nothing to these any more, for these reasons, of which messages."""
        ...
