"""Signing in with identity providers."""

from collections.abc import Sequence
from uuid import UUID

from auth.federation.handshakes import Handshakes
from auth.federation.linking import Linking
from auth.federation.models import (
    AccountExists,
    Answer,
    Begun,
    Confirmed,
    EmailNotVerified,
    Identity,
    IdentityProvider,
    IdentityRefused,
)
from auth.federation.ports import Identities, Providers
from auth.models import Origin
from auth.registration.models import NewUser
from auth.registration.opening import AccountOpening, named_after
from auth.sign_in.models import Amr, Started, TokenPair
from auth.sign_in.ports import Attempts, People
from auth.sign_in.starting import SessionStarter
from llmo_core.clock import Clock
from llmo_data.ports import Transaction

_FEDERATED = frozenset({Amr.FEDERATED})


class ProviderList:
    """Shows where people may sign in."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def all(self) -> Sequence[IdentityProvider]:
        """Every provider, in the operator's order. Raises ProvidersMisconfigured."""
        return self._providers.all()


class FederatedSignIn:
    """Gives people tokens for a provider's word."""

    def __init__(
        self,
        *,
        handshakes: Handshakes,
        identities: Identities,
        linking: Linking,
        opening: AccountOpening,
        people: People,
        starter: SessionStarter,
        attempts: Attempts,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._handshakes = handshakes
        self._identities = identities
        self._linking = linking
        self._opening = opening
        self._people = people
        self._starter = starter
        self._attempts = attempts
        self._transaction = transaction
        self._clock = clock

    async def start(self, provider_id: str, *, origin: Origin) -> Begun:
        """Where to send somebody, and what the client shows afterwards.

        Raises TooManyAttempts, UnknownProvider, ProviderUnavailable.
        """
        await self._attempts.count_network(origin.ip)
        return await self._handshakes.begin(provider_id, user_id=None)

    async def sign_in(self, provider_id: str, answer: Answer, *, org_id: UUID | None, origin: Origin) -> TokenPair:
        """Start a session for whoever the provider says it is.

        A known identity signs in to its account. An unknown one gets an account of its own, if the provider vouches for
        an address that has none; it is never linked to one that exists, because whoever controls the address there need
        not be its owner here. Whoever has a second factor is asked for it. Raises TooManyAttempts, UnknownProvider,
        InvalidFlow, IdentityRefused, ProviderUnavailable, EmailNotVerified, AccountExists, SecondFactorRequired,
        NotAMember, NoSigningKey.
        """
        await self._attempts.count_network(origin.ip)
        confirmed = await self._handshakes.finish(provider_id, answer, user_id=None)
        async with self._transaction(None):
            started = await self._start(await self._whose(confirmed), org_id, origin)
        return started.tokens()

    async def _whose(self, confirmed: Confirmed) -> Identity:
        known = await self._identities.shown(confirmed.issuer, confirmed.subject)
        if known is not None:
            return known
        if confirmed.email is None or not confirmed.email_verified:
            raise EmailNotVerified
        name, organization = named_after(confirmed.email, name=confirmed.name, organization=None)
        user = NewUser(email=confirmed.email, password_hash=None, name=name, organization=organization)
        account = await self._opening.open(user)
        if account is not None:
            return await self._linking.link(confirmed, user_id=account.user_id, email=user.email)
        # Somebody else has the address; or it was they themselves, a moment ago and in another window.
        known = await self._identities.shown(confirmed.issuer, confirmed.subject)
        if known is None:
            raise AccountExists
        return known

    async def _start(self, identity: Identity, org_id: UUID | None, origin: Origin) -> Started:
        person = await self._people.locked(identity.user_id)
        current = await self._identities.shown(identity.issuer, identity.subject)  # as whoever held the lock left it
        if person is None or current is None or current.user_id != person.user_id:
            raise IdentityRefused
        await self._identities.used(current, self._clock.now())
        return await self._starter.start(person.user_id, org_id=org_id, origin=origin, amr=_FEDERATED)
