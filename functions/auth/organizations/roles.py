"""The roles of an organization: five that each has, and those that it makes of permissions."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from auth.api_keys.owned_keys import OwnedKeys
from auth.organizations.models import (
    CustomRole,
    NoSuchRole,
    RoleBeyondOwn,
    RoleChanged,
    RoleCreated,
    RoleNameTaken,
    RoleRemoved,
    UnknownRole,
)
from auth.organizations.withdrawing import Invitations, withdraw_all
from llmo_auth.principal import PERMISSIONS_OF, Principal, Role
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction


class Roles(Protocol):
    """Roles of organizations' own making; every method is limited to the organization it names."""

    async def all(self, org_id: UUID) -> Sequence[CustomRole]:
        """The roles by name."""
        ...

    async def find(self, org_id: UUID, name: str) -> CustomRole | None:
        """The role, locked until the transaction ends."""
        ...

    async def add(self, role: CustomRole) -> None:
        """Keep a new role. Raises RoleNameTaken."""
        ...

    async def change(self, role: CustomRole) -> None:
        """Replace a role's description and permissions."""
        ...

    async def members(self, org_id: UUID, name: str) -> Sequence[UUID]:
        """Who has the role."""
        ...

    async def remove(self, org_id: UUID, name: str) -> None:
        """Forget a role. Raises RoleInUse."""
        ...


class RoleService:
    """Makes, changes and removes roles. Nobody makes one that may do more than they may themselves."""

    def __init__(
        self,
        *,
        roles: Roles,
        invitations: Invitations,
        keys: OwnedKeys,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._roles = roles
        self._invitations = invitations
        self._keys = keys
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def all(self, principal: Principal) -> Sequence[CustomRole]:
        """The roles of the organization's own making, by name."""
        return await self._roles.all(principal.org_id)

    async def create(
        self, principal: Principal, *, name: str, description: str | None, permissions: Collection[str]
    ) -> CustomRole:
        """Make a role. Raises RoleBeyondOwn, RoleNameTaken."""
        within_own(principal, permissions)
        if name in set(Role):
            raise RoleNameTaken
        role = CustomRole(
            org_id=principal.org_id,
            name=name,
            description=description,
            permissions=frozenset(permissions),
            created_at=self._clock.now(),
        )
        async with self._transaction(role.org_id):
            await self._roles.add(role)
            created = RoleCreated(name=name, permissions=tuple(sorted(permissions)))
            await self._events.announce(created, org_id=role.org_id, aggregate_id=role.org_id)
        return role

    async def change(
        self, principal: Principal, name: str, *, description: str | None, permissions: Collection[str] | None
    ) -> CustomRole:
        """Change what is given. Less counts from its members' next requests on, more once their tokens are refreshed.

        Their own API keys lose what the role loses, and their invitations are withdrawn. Raises UnknownRole, and
        RoleBeyondOwn when the role may do, or shall be able to do, more than the caller may.
        """
        org_id = principal.org_id
        async with self._transaction(org_id):
            known = await self._own(principal, name)
            role = known.model_copy(
                update={
                    "description": known.description if description is None else description,
                    "permissions": known.permissions if permissions is None else frozenset(permissions),
                }
            )
            within_own(principal, role.permissions)
            await self._roles.change(role)
            if role.permissions != known.permissions:
                changed = RoleChanged(
                    name=name,
                    permissions=tuple(sorted(role.permissions)),
                    previous=tuple(sorted(known.permissions)),
                )
                await self._events.announce(changed, org_id=org_id, aggregate_id=org_id)
                members = await self._roles.members(org_id, name)
                await self._keys.narrow(org_id, members, role.permissions)
                await withdraw_all(self._invitations, self._events, org_id, members)
        return role

    async def remove(self, principal: Principal, name: str) -> None:
        """Remove a role that nobody has. Raises UnknownRole, RoleBeyondOwn, RoleInUse."""
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._own(principal, name)
            await self._roles.remove(org_id, name)
            await self._events.announce(RoleRemoved(name=name), org_id=org_id, aggregate_id=org_id)

    async def _own(self, principal: Principal, name: str) -> CustomRole:
        role = await self._roles.find(principal.org_id, name)
        if role is None:
            raise UnknownRole
        within_own(principal, role.permissions)
        return role


async def permissions_of_role(roles: Roles, org_id: UUID, name: str) -> frozenset[str]:
    """What a role of an organization may do, whichever kind it is. Raises NoSuchRole."""
    if name in set(Role):
        return frozenset(map(str, PERMISSIONS_OF[Role(name)]))
    role = await roles.find(org_id, name)
    if role is None:
        raise NoSuchRole
    return role.permissions


def within_own(principal: Principal, permissions: Collection[str]) -> None:
    """Raise RoleBeyondOwn unless the caller may do all of this."""
    if not principal.permissions.issuperset(permissions):
        raise RoleBeyondOwn
