"""Closing organizations, and deleting accounts."""

from uuid import UUID

from auth.accounts.models import AccountDeleted, OrganizationClosed
from auth.accounts.ports import Applications, Closings
from auth.api_keys.owned_keys import OwnedKeys
from auth.organizations.leaving import Leaving
from auth.organizations.members import Members
from auth.sign_in.ports import People, Sessions
from llmo_auth.principal import NotSignedIn, Person, Principal
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction


class ClosingService:
    """Closes organizations and deletes accounts; both are final."""

    def __init__(
        self,
        *,
        closings: Closings,
        applications: Applications,
        members: Members,
        keys: OwnedKeys,
        people: People,
        sessions: Sessions,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._closings = closings
        self._applications = applications
        self._members = members
        self._keys = keys
        self._leaving = Leaving(members=members, keys=keys, events=events)
        self._people = people
        self._sessions = sessions
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def close(self, principal: Principal) -> None:
        """Close the caller's organization: no member, token or key gets in once API Gateway asks again (a minute).

        Its rows stay, for invoices and the audit log. Raises UnknownOrganization, also for one that is closed.
        """
        org_id = principal.org_id
        async with self._transaction(org_id):
            await self._close(org_id, await self._members.lock(org_id))

    async def delete(self, person: Person) -> None:
        """Delete an account: leave every organization, close those that nobody else is in, and forget who it was.

        Raises LastOwner when an organization would be left to members who cannot own it, and nothing is done then.
        """
        user_id = person.user_id
        async with self._transaction(None):
            known = await self._people.locked(user_id)
            if known is None:
                raise NotSignedIn
            for membership in await self._people.memberships(user_id):
                await self._leave(membership.org_id, user_id)
            await self._sessions.revoke_all(user_id, self._clock.now(), keep=None)
            deleted = AccountDeleted(user_id=user_id, email=known.email)
            await self._events.announce(deleted, org_id=None, aggregate_id=user_id)
            await self._closings.erase(user_id, self._clock.now())

    async def _leave(self, org_id: UUID, user_id: UUID) -> None:
        async with self._transaction(org_id):
            name = await self._members.lock(org_id)
            members = await self._members.all(org_id)
            own = next((member for member in members if member.user_id == user_id), None)
            if own is None:  # taken out meanwhile
                return
            if len(members) == 1:
                await self._close(org_id, name)
            else:
                await self._leaving.take_out(org_id, own, members, left=True)

    async def _close(self, org_id: UUID, name: str) -> None:
        await self._keys.revoke_all(org_id)
        await self._applications.remove_all(org_id, self._clock.now())
        await self._closings.close(org_id, self._clock.now())
        closed = OrganizationClosed(org_id=org_id, name=name)
        await self._events.announce(closed, org_id=org_id, aggregate_id=org_id)
