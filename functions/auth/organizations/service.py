"""Founding, reading and changing organizations."""

from decimal import Decimal
from typing import Protocol
from uuid import UUID

from auth.models import UnknownOrganization
from auth.organizations.models import Organization, OrganizationChanged, OrganizationCreated, Project
from auth.sign_in.ports import People
from llmo_auth import api_key
from llmo_auth.principal import NotSignedIn, Person, Principal
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Organizations(Protocol):
    """Organizations; every method is limited to the one it names."""

    async def found(self, organization: Organization, project: Project, owner_id: UUID) -> None:
        """Keep a new organization with its first project and its owner."""
        ...

    async def find(self, org_id: UUID) -> Organization | None:
        """The organization, locked until the transaction ends."""
        ...

    async def look(self, org_id: UUID) -> Organization | None:
        """The organization as it is."""
        ...

    async def change(self, organization: Organization) -> None:
        """Replace an organization's name and budget."""
        ...


class OrganizationService:
    """Founds, shows and changes organizations."""

    def __init__(
        self, *, organizations: Organizations, people: People, events: Events, transaction: Transaction, new_id: NewId
    ) -> None:
        self._organizations = organizations
        self._people = people
        self._events = events
        self._transaction = transaction
        self._new_id = new_id

    async def found(self, person: Person, *, name: str) -> Organization:
        """Make an organization that the person owns, with a project. A refresh with its id gets tokens for it."""
        organization = new_organization(name, self._new_id)
        project = Project(id=self._new_id(), org_id=organization.id, name="Default")
        async with self._transaction(None):
            if await self._people.locked(person.user_id) is None:  # deleted a moment ago
                raise NotSignedIn
            async with self._transaction(organization.id):
                await self._organizations.found(organization, project, person.user_id)
                created = OrganizationCreated(org_id=organization.id, name=name, owner_id=person.user_id)
                await self._events.announce(created, org_id=organization.id, aggregate_id=organization.id)
        return organization

    async def look(self, principal: Principal) -> Organization:
        """The caller's organization. Raises UnknownOrganization."""
        found = await self._organizations.look(principal.org_id)
        if found is None:
            raise UnknownOrganization
        return found

    async def change(
        self, principal: Principal, *, name: str | None, budget: tuple[Decimal | None] | None
    ) -> Organization:
        """Change what is given; the gateway holds a new budget for calls with keys that it looks up from now on.

        Args:
            principal: The caller.
            name: None leaves it.
            budget: What all keys may spend in a month; (None,) is no limit, None leaves it.

        Raises UnknownOrganization.
        """
        async with self._transaction(principal.org_id):
            known = await self._organizations.find(principal.org_id)
            if known is None:
                raise UnknownOrganization
            changed = known.model_copy(
                update={
                    "name": known.name if name is None else name,
                    "monthly_budget_usd": known.monthly_budget_usd if budget is None else budget[0],
                }
            )
            if changed != known:
                await self._organizations.change(changed)
                event = OrganizationChanged(
                    org_id=changed.id, name=changed.name, monthly_budget_usd=changed.monthly_budget_usd
                )
                await self._events.announce(event, org_id=changed.id, aggregate_id=changed.id)
        return changed


def new_organization(name: str, new_id: NewId) -> Organization:
    """A new tenant without a budget."""
    return Organization(id=new_id(), org_ref=api_key.new_org_ref(), name=name)
