"""Who is in an organization, and as what."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from auth.api_keys.owned_keys import OwnedKeys
from auth.models import UnknownOrganization
from auth.one_time_tokens import InvalidToken, OneTimeTokens
from auth.organizations.leaving import Leaving, keeps_an_owner
from auth.organizations.models import (
    INVITATION_LIFE,
    AlreadyAMember,
    Invitation,
    InvitationWithdrawn,
    JoinedOrganization,
    Member,
    MemberInvited,
    MemberJoined,
    MemberRoleChanged,
    UnknownInvitation,
    UnknownMember,
)
from auth.organizations.roles import Roles, permissions_of_role, within_own
from auth.organizations.withdrawing import Invitations, withdraw_all
from auth.sign_in.models import Credentials
from auth.sign_in.ports import People
from llmo_auth.principal import Permission, Person, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Members(Invitations, Protocol):
    """Memberships and invitations; every method is limited to the organization it names."""

    async def lock(self, org_id: UUID) -> str:
        """Keep others from changing the organization's members until the transaction ends; gives its name."""
        ...

    async def all(self, org_id: UUID) -> Sequence[Member]:
        """The members, the one who joined first at the beginning."""
        ...

    async def of(self, user_id: UUID) -> Sequence[JoinedOrganization]:
        """The organizations of a person, the oldest first."""
        ...

    async def add(self, org_id: UUID, user_id: UUID, role: str) -> bool:
        """Make somebody a member; False when they are one already."""
        ...

    async def set_role(self, org_id: UUID, user_id: UUID, role: str) -> None:
        """Make a member something else."""
        ...

    async def remove(self, org_id: UUID, user_id: UUID) -> None:
        """Make somebody no member any more."""
        ...

    async def invite(self, invitation: Invitation) -> None:
        """Keep an invitation in place of an earlier one of the same address."""
        ...

    async def invitations(self, org_id: UUID) -> Sequence[Invitation]:
        """The invitations, also expired ones, the newest first."""
        ...

    async def withdraw(self, org_id: UUID, invitation_id: UUID) -> bool:
        """Forget an invitation; False when there is none."""
        ...


class MemberService:
    """Invites, lists, changes and removes members.

    Nobody gives or takes a role that may do more than they may themselves, and an organization always has an owner.
    """

    def __init__(
        self,
        *,
        members: Members,
        roles: Roles,
        keys: OwnedKeys,
        people: People,
        tokens: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._members = members
        self._roles = roles
        self._keys = keys
        self._leaving = Leaving(members=members, keys=keys, events=events)
        self._people = people
        self._tokens = tokens
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def organizations(self, person: Person) -> Sequence[JoinedOrganization]:
        """Where somebody is a member."""
        return await self._members.of(person.user_id)

    async def members(self, principal: Principal) -> Sequence[Member]:
        """The members of the caller's organization."""
        return await self._members.all(principal.org_id)

    async def invitations(self, principal: Principal) -> Sequence[Invitation]:
        """The invitations to the caller's organization."""
        return await self._members.invitations(principal.org_id)

    async def invite(self, principal: Principal, *, email: str, role: str) -> Invitation:
        """Have a link mailed with which the address's owner may join, once they are signed in.

        A second invitation of an address replaces the first one. Raises NoSuchRole, RoleBeyondOwn,
        AlreadyAMember.
        """
        org_id, now = principal.org_id, self._clock.now()
        text, token_hash = self._tokens.make("invitation")
        invitation = Invitation(
            id=self._new_id(),
            org_id=org_id,
            token_hash=token_hash,
            email=email,
            role=role,
            invited_by=principal.actor_id,
            created_at=now,
            expires_at=now + INVITATION_LIFE,
        )
        async with self._transaction(org_id):
            name = await self._members.lock(org_id)
            within_own(principal, await permissions_of_role(self._roles, org_id, role))
            if any(member.email.lower() == email.lower() for member in await self._members.all(org_id)):
                raise AlreadyAMember
            await self._members.invite(invitation)
            invited = MemberInvited(
                invitation_id=invitation.id,
                email=email,
                organization=name,
                role=role,
                token=f"{org_id}.{text}",
                expires_at=invitation.expires_at,
            )
            await self._events.announce(invited, org_id=org_id, aggregate_id=org_id)
        return invitation

    async def withdraw(self, principal: Principal, invitation_id: UUID) -> None:
        """Make an invitation's link worthless. Raises UnknownInvitation."""
        org_id = principal.org_id
        async with self._transaction(org_id):
            if not await self._members.withdraw(org_id, invitation_id):
                raise UnknownInvitation
            withdrawn = InvitationWithdrawn(invitation_id=invitation_id)
            await self._events.announce(withdrawn, org_id=org_id, aggregate_id=org_id)

    async def invited(self, org_id: UUID, token: str) -> Invitation:
        """What a mailed token invites somebody to. Nothing changes. Raises InvalidToken."""
        organization, _, text = token.partition(".")
        digest = self._tokens.digest("invitation", text)
        found = [one for one in await self._members.invitations(org_id) if one.token_hash == digest]
        if organization != str(org_id) or not found or found[0].expires_at <= self._clock.now():
            raise InvalidToken
        return found[0]

    async def accept(self, caller: Person, org_id: UUID, token: str) -> Member:
        """Join an organization with a mailed token; it has to be one for the caller's own address.

        Raises InvalidToken, AlreadyAMember.
        """
        async with self._transaction(None):
            person = await self._people.locked(caller.user_id)
            if person is None:
                raise InvalidToken
            return await self._join(person, org_id, token)

    async def _join(self, person: Credentials, org_id: UUID, token: str) -> Member:
        async with self._transaction(org_id):
            try:
                await self._members.lock(org_id)
            except UnknownOrganization as error:
                raise InvalidToken from error
            invitation = await self.invited(org_id, token)
            if invitation.email.lower() != person.email.lower():
                raise InvalidToken
            if not await self._members.add(org_id, person.user_id, invitation.role):
                raise AlreadyAMember
            await self._members.withdraw(org_id, invitation.id)
            joined = MemberJoined(user_id=person.user_id, email=person.email, role=invitation.role)
            await self._events.announce(joined, org_id=org_id, aggregate_id=org_id)
            return _find(await self._members.all(org_id), person.user_id)

    async def set_role(self, principal: Principal, user_id: UUID, role: str) -> Member:
        """Make a member something else, withdraw the invitations that they made, and narrow their own API keys.

        They may do less from their next request on, and more once their token is refreshed. Raises UnknownMember,
        NoSuchRole, RoleBeyondOwn, LastOwner.
        """
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._members.lock(org_id)
            permissions = await permissions_of_role(self._roles, org_id, role)
            within_own(principal, permissions)
            members = await self._members.all(org_id)
            member = _find(members, user_id)
            within_own(principal, member.permissions)
            if role != member.role:
                keeps_an_owner(members, without=member)
                await self._members.set_role(org_id, user_id, role)
                await withdraw_all(self._members, self._events, org_id, [user_id])
                await self._keys.narrow(org_id, [user_id], permissions)
                event = MemberRoleChanged(user_id=user_id, role=role, previous=member.role)
                await self._events.announce(event, org_id=org_id, aggregate_id=org_id)
                member = _find(await self._members.all(org_id), user_id)
        return member

    async def remove(self, principal: Principal, user_id: UUID) -> None:
        """Remove a member, or leave; their access ends with their next request, and so does that of their own API keys.

        Everybody may leave; removing others takes `members:write`. Raises UnknownMember, MissingPermission,
        RoleBeyondOwn, LastOwner.
        """
        leaves = principal.in_person and principal.actor_id == user_id
        if not leaves:
            principal.require(Permission.MEMBERS_WRITE)
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._members.lock(org_id)
            members = await self._members.all(org_id)
            member = _find(members, user_id)
            if not leaves:
                within_own(principal, member.permissions)
            await self._leaving.take_out(org_id, member, members, left=leaves)


def _find(members: Sequence[Member], user_id: UUID) -> Member:
    found = [member for member in members if member.user_id == user_id]
    if not found:
        raise UnknownMember
    return found[0]
