"""What the use cases of accounts need of the world around them."""

from typing import Protocol
from uuid import UUID

from billing.accounts.models import Account


class Accounts(Protocol):
    """Where accounts are kept."""

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's."""
        ...

    async def locked(self, fresh: Account) -> Account:
        """The account of the organization, or this one if there is none yet.

        Nobody else changes it before the end of the transaction under way.
        """
        ...

    async def change(self, account: Account) -> None:
        """Keep what has changed of it."""
        ...
