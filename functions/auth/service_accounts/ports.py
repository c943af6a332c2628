"""What the use cases of service accounts need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.service_accounts.models import AccountSecret, ServiceAccount


class ServiceAccounts(Protocol):
    """Service accounts; every method is limited to the organization it names."""

    async def all(self, org_id: UUID) -> Sequence[ServiceAccount]:
        """The accounts with their secrets, also disabled ones, the newest first."""
        ...

    async def locked(self, org_id: UUID, account_id: UUID) -> ServiceAccount | None:
        """An account that is not disabled, with its secrets; nobody else changes it before the transaction ends."""
        ...

    async def add(self, account: ServiceAccount) -> None:
        """Keep a new account with its secrets."""
        ...

    async def disable(self, org_id: UUID, account_id: UUID, at: datetime) -> bool:
        """Disable an account and forget its secrets; False when there is none that is not disabled."""
        ...

    async def add_secret(self, secret: AccountSecret) -> None:
        """Keep a new secret."""
        ...

    async def remove_secret(self, org_id: UUID, account_id: UUID, secret_id: UUID) -> bool:
        """Forget a secret; False when the account has no such secret."""
        ...
