"""Taking a member out of an organization."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from auth.api_keys.owned_keys import OwnedKeys
from auth.organizations.models import LastOwner, Member, MemberRemoved
from auth.organizations.withdrawing import Invitations, withdraw_all
from llmo_auth.principal import Role
from llmo_data.ports import Events


class Memberships(Invitations, Protocol):
    """Memberships and invitations; every method is limited to the organization it names."""

    async def remove(self, org_id: UUID, user_id: UUID) -> None:
        """Make somebody no member any more."""
        ...


class Leaving:
    """Takes members out, with their invitations and their own API keys."""

    def __init__(self, *, members: Memberships, keys: OwnedKeys, events: Events) -> None:
        self._members = members
        self._keys = keys
        self._events = events

    async def take_out(self, org_id: UUID, member: Member, members: Sequence[Member], *, left: bool) -> None:
        """Take one of the members out, in the transaction under way. Raises LastOwner."""
        keeps_an_owner(members, without=member)
        await self._members.remove(org_id, member.user_id)
        await withdraw_all(self._members, self._events, org_id, [member.user_id])
        await self._keys.narrow(org_id, [member.user_id], ())
        removed = MemberRemoved(user_id=member.user_id, left=left)
        await self._events.announce(removed, org_id=org_id, aggregate_id=org_id)


def keeps_an_owner(members: Sequence[Member], *, without: Member) -> None:
    """Raise LastOwner when nobody else owns the organization."""
    owners = {member.user_id for member in members if member.role == Role.OWNER}
    if owners == {without.user_id}:
        raise LastOwner
