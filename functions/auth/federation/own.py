"""The identities of somebody who is signed in."""

from collections.abc import Sequence
from uuid import UUID

from auth.federation.handshakes import Handshakes
from auth.federation.linking import Linking
from auth.federation.models import Answer, Begun, Identity, IdentityRemoved, LastWayToSignIn, UnknownIdentity
from auth.federation.ports import Identities
from auth.models import Origin
from auth.sign_in.models import Credentials
from auth.sign_in.ports import Attempts, People
from llmo_auth.principal import Person
from llmo_core.errors import Unauthenticated
from llmo_data.ports import Events, Transaction


class IdentityService:
    """Links, shows and removes a person's identities."""

    def __init__(
        self,
        *,
        handshakes: Handshakes,
        identities: Identities,
        linking: Linking,
        people: People,
        attempts: Attempts,
        events: Events,
        transaction: Transaction,
    ) -> None:
        self._handshakes = handshakes
        self._identities = identities
        self._linking = linking
        self._people = people
        self._attempts = attempts
        self._events = events
        self._transaction = transaction

    async def all(self, person: Person) -> Sequence[Identity]:
        """The person's identities, the oldest first."""
        return await self._identities.of(person.user_id)

    async def start(self, person: Person, provider_id: str, *, origin: Origin) -> Begun:
        """Where to send somebody who links an identity: only they can finish it.

        Raises TooManyAttempts, UnknownProvider, ProviderUnavailable.
        """
        await self._attempts.count_network(origin.ip)
        return await self._handshakes.begin(provider_id, user_id=person.user_id)

    async def link(self, person: Person, provider_id: str, answer: Answer, *, origin: Origin) -> Identity:
        """Let an identity sign in to the person's account, whatever its address is.

        Raises TooManyAttempts, UnknownProvider, InvalidFlow, IdentityRefused, ProviderUnavailable, IdentityTaken.
        """
        await self._attempts.count_network(origin.ip)
        confirmed = await self._handshakes.finish(provider_id, answer, user_id=person.user_id)
        async with self._transaction(None):
            known = await self._locked(person)
            return await self._linking.link(confirmed, user_id=known.user_id, email=known.email)

    async def remove(self, person: Person, identity_id: UUID) -> None:
        """Let an identity sign in no more; sessions that it started go on.

        Raises UnknownIdentity, and LastWayToSignIn for the last one of somebody without a password.
        """
        async with self._transaction(None):
            known = await self._locked(person)
            identities = {identity.id: identity for identity in await self._identities.of(person.user_id)}
            identity = identities.get(identity_id)
            if identity is None:
                raise UnknownIdentity
            if known.password_hash is None and len(identities) == 1:
                raise LastWayToSignIn
            await self._identities.remove(identity)
            removed = IdentityRemoved(
                user_id=known.user_id, email=known.email, identity_id=identity.id, provider=identity.provider
            )
            await self._events.announce(removed, org_id=None, aggregate_id=known.user_id)

    async def _locked(self, person: Person) -> Credentials:
        """The person, of whom nobody else links or removes an identity before the transaction ends."""
        known = await self._people.locked(person.user_id)
        if known is None:
            raise Unauthenticated
        return known
