"""What the use cases of prepaid organizations need of the world around them. Everything raises DatabaseUnavailable."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.prepaid.models import Owed, Prepaid
from billing.wallets.models import Wallet
from llmo_core.currencies import Currency


class PrepaidOrganizations(Protocol):
    """Which organizations pay in advance."""

    async def find(self, org_id: UUID) -> Prepaid:
        """Whether one does; revision 1 before anybody decided."""
        ...

    async def locked(self, org_id: UUID) -> Prepaid:
        """The same; until the transaction under way ends nobody changes it, and no calls of it are counted."""
        ...

    async def change(self, prepaid: Prepaid, *, looked_at: datetime) -> None:
        """Keep what has changed of it, but for what is counted; that begins anew with `since`."""
        ...


class Debts(Protocol):
    """What organizations owe."""

    async def owed(self, org_id: UUID, now: datetime) -> Owed:
        """What no invoice has taken of the credit yet."""
        ...


class DollarWallets(Protocol):
    """Wallets."""

    async def locked(self, org_id: UUID, currency: Currency, *, now: datetime) -> Wallet | None:
        """The one in a currency, which nobody fills or spends before the transaction under way ends."""
        ...
