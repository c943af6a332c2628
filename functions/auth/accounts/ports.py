"""What opening accounts needs of the world around it."""

from typing import Protocol

from auth.accounts.models import Account, AccountIds


class Accounts(Protocol):
    """Customers as a whole; every method is one transaction."""

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        ...

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        ...
