"""Where spend caps are kept."""

from typing import Protocol
from uuid import UUID

from billing.spend_caps.models import SpendCap


class SpendCaps(Protocol):
    """Spend caps. Everything raises DatabaseUnavailable."""

    async def find(self, org_id: UUID) -> SpendCap:
        """An organization's; revision 1 before anybody set one."""
        ...

    async def locked(self, org_id: UUID) -> SpendCap:
        """The same; nobody else changes it before the transaction under way ends."""
        ...

    async def change(self, cap: SpendCap) -> None:
        """Keep what has changed of it."""
        ...
