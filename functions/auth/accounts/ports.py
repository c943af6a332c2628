"""What opening accounts needs of the world around it."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.accounts.models import Account, AccountIds, EmailChange
from auth.organizations.models import Organization, Project
from auth.sign_in.models import Profile


class Accounts(Protocol):
    """Customers as a whole; every method is one transaction."""

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        ...

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        ...


class Profiles(Protocol):
    """What people show of themselves."""

    async def profile(self, user_id: UUID) -> Profile | None:
        """A person's profile."""
        ...

    async def rename(self, user_id: UUID, name: str) -> Profile | None:
        """Give a person another name; None when they have no account any more."""
        ...


class Closings(Protocol):
    """What ends with an organization or an account."""

    async def close(self, org_id: UUID, at: datetime) -> None:
        """Mark an organization as closed, forget its members and invitations, and disable its service accounts."""
        ...

    async def erase(self, user_id: UUID, at: datetime) -> None:
        """Forget who somebody was, and everything that they could sign in with."""
        ...


class EmailChanges(Protocol):
    """Addresses that people want their accounts to have."""

    async def forget(self, user_id: UUID) -> None:
        """Forget a user's earlier wishes."""
        ...

    async def add(self, change: EmailChange) -> None:
        """Keep a wish."""
        ...

    async def take(self, user_id: UUID, token_hash: str) -> EmailChange | None:
        """A user's wish that a token stands for, and forget it: of two at once, one gets it."""
        ...

    async def set_email(self, user_id: UUID, email: str) -> None:
        """Give an account another address, and forget the resets that were mailed to the old one. Raises EmailTaken."""
        ...


class Applications(Protocol):
    """What an organization registered for people to let act for them."""

    async def remove_all(self, org_id: UUID, at: datetime) -> None:
        """Remove every one of an organization's and end their sessions."""
        ...


class Tenants(Protocol):
    """Organizations and projects by their ids."""

    async def look(self, org_id: UUID) -> Organization | None:
        """The organization."""
        ...

    async def project(self, org_id: UUID, project_id: UUID) -> Project | None:
        """One of the organization's projects."""
        ...
