"""What opening accounts needs of the world around it."""

from typing import Protocol
from uuid import UUID

from auth.accounts.models import Account, AccountIds
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

    async def find(self, user_id: UUID) -> Profile | None:
        """A person's profile."""
        ...

    async def rename(self, user_id: UUID, name: str) -> None:
        """Give a person another name."""
        ...


class Tenants(Protocol):
    """Organizations and projects by their ids."""

    async def look(self, org_id: UUID) -> Organization | None:
        """The organization."""
        ...

    async def project(self, org_id: UUID, project_id: UUID) -> Project | None:
        """One of the organization's projects."""
        ...
