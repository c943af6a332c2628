"""Opening the account of somebody whose address is verified, by a mail or by an identity provider."""

from typing import Protocol
from uuid import UUID

from auth.organizations.models import Organization, OrganizationCreated, Project
from auth.organizations.service import new_organization
from auth.registration.models import NewAccount, NewUser, UserRegistered
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction

_LONGEST_NAME = 200


class NewAccounts(Protocol):
    """Where accounts are kept."""

    async def complete(self, user: NewUser, user_id: UUID, organization: Organization, project: Project) -> bool:
        """Make the user with an organization of their own, and forget every registration of the address.

        False, and nothing made, when the address has an account by now.
        """
        ...


class AccountOpening:
    """Makes users who own an organization, and announces them."""

    def __init__(self, *, accounts: NewAccounts, events: Events, transaction: Transaction, new_id: NewId) -> None:
        self._accounts = accounts
        self._events = events
        self._transaction = transaction
        self._new_id = new_id

    async def open(self, user: NewUser) -> NewAccount | None:
        """Make a user with an organization and a project of their own, in one commit with what is announced.

        None, and nothing made, when the address has an account by now. It joins a transaction of no organization.
        """
        user_id = self._new_id()
        organization = new_organization(user.organization, self._new_id)
        project = Project(id=self._new_id(), org_id=organization.id, name="Default")
        async with self._transaction(organization.id):
            if not await self._accounts.complete(user, user_id, organization, project):
                return None
            registered = UserRegistered(user_id=user_id, email=user.email, name=user.name, org_id=organization.id)
            created = OrganizationCreated(org_id=organization.id, name=organization.name, owner_id=user_id)
            for event in (registered, created):
                await self._events.announce(event, org_id=organization.id, aggregate_id=organization.id)
        return NewAccount(user_id=user_id, org_id=organization.id, project_id=project.id)


def named_after(email: str, *, name: str | None, organization: str | None) -> tuple[str, str]:
    """What to call a user and their organization when they did not say it."""
    name = name or email.partition("@")[0][:_LONGEST_NAME]
    return name, organization or f"{name}'s organization"[:_LONGEST_NAME]
