"""An account, identity providers, and every use case of signing in with them on the real stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from auth.federation.github import GitHub
from auth.federation.handshakes import Handshakes
from auth.federation.linking import Linking
from auth.federation.models import Answer, Begun, Identity, IdentityProvider, Kind
from auth.federation.oauth import OAuthClients
from auth.federation.openid import OpenIdConnect
from auth.federation.own import IdentityService
from auth.federation.ports import Exchange
from auth.federation.repository import PostgresFlows, PostgresIdentities
from auth.federation.service import FederatedSignIn
from auth.models import Origin
from auth.registration.opening import AccountOpening
from auth.registration.repository import PostgresRegistrations
from auth.sign_in.models import TokenPair
from auth.sign_in.ports import Attempts
from auth.sign_in.repository import PostgresPeople
from llmo_auth.principal import Person
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.integration.auth.announcements import outbox
from tests.integration.auth.house import House, attempts

ORIGIN = Origin(ip="203.0.113.10")


class Listed:
    """The providers that a test says there are."""

    def __init__(self, providers: Sequence[IdentityProvider]) -> None:
        self._providers = providers

    def all(self) -> Sequence[IdentityProvider]:
        """Every one."""
        return self._providers


@dataclass
class Abroad:
    """Somebody's account here, and providers where they sign in."""

    home: House
    database: Database
    provider: FakeProvider
    service: FederatedSignIn
    identities: IdentityService

    async def begin(self, provider: str = "house") -> Begun:
        """Begin to sign in."""
        return await self.service.start(provider, origin=ORIGIN)

    def came_back(self, begun: Begun, *, fake: FakeProvider | None = None, **other: Any) -> Answer:
        """What the client shows after the provider's redirect."""
        redirect = (fake or self.provider).grant(begun.authorization_url)
        return Answer.model_validate({**redirect, "flow_token": begun.flow_token} | other)

    async def finish(self, answer: Answer, provider: str = "house") -> TokenPair:
        """Finish signing in."""
        return await self.service.sign_in(provider, answer, org_id=None, origin=ORIGIN)

    async def sign_in(self, provider: str = "house", **other: Any) -> TokenPair:
        """All of it."""
        return await self.finish(self.came_back(await self.begin(provider), **other), provider)

    async def person(self) -> Person:
        """Whoever has the account here, signed in with the password."""
        return await self.home.person(await self.home.login())

    async def link(self, person: Person, provider: str = "house") -> Identity:
        """Link whoever the provider says it is."""
        begun = await self.identities.start(person, provider, origin=ORIGIN)
        return await self.identities.link(person, provider, self.came_back(begun), origin=ORIGIN)


def configured(fake: FakeProvider) -> list[IdentityProvider]:
    """The fake, as an issuer under two names and as GitHub."""
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "issuer": fake.url, "name": "Fake"}
    return [
        IdentityProvider(id="house", kind=Kind.OIDC, **client),
        IdentityProvider(id="annex", kind=Kind.OIDC, **client),
        IdentityProvider(id="github", kind=Kind.GITHUB, api_url=fake.url, **client),
    ]


def abroad(
    home: House,
    database: Database,
    redis: Redis,
    fake: FakeProvider,
    *,
    others: Sequence[IdentityProvider] = (),
    counted: Attempts | None = None,
) -> Abroad:
    """Wire it."""
    clients = OAuthClients(loopback=True)
    openid, github = OpenIdConnect(clients, loopback=True, clock=home.clock), GitHub(clients)

    def exchange(kind: Kind) -> Exchange:
        return github if kind is Kind.GITHUB else openid

    people, events, transaction = PostgresPeople(database), outbox(database), database.transaction
    identities, counted = PostgresIdentities(database), counted or attempts(redis)
    linking = Linking(identities=identities, events=events, clock=home.clock, new_id=new_id)
    handshakes = Handshakes(
        providers=Listed([*configured(fake), *others]),
        exchange=exchange,
        flows=PostgresFlows(database),
        redirect_uri="https://llmo.example/back/{provider}",
        secret=b"secret",
        clock=home.clock,
    )
    service = FederatedSignIn(
        handshakes=handshakes,
        identities=identities,
        linking=linking,
        opening=AccountOpening(
            accounts=PostgresRegistrations(database), events=events, transaction=transaction, new_id=new_id
        ),
        people=people,
        starter=home.service._starter,
        attempts=counted,
        transaction=transaction,
        clock=home.clock,
    )
    own = IdentityService(
        handshakes=handshakes,
        identities=identities,
        linking=linking,
        people=people,
        attempts=counted,
        events=events,
        transaction=transaction,
    )
    return Abroad(home, database, fake, service, own)
