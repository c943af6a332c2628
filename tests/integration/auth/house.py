"""One person's account with the use cases of signing in, the authorizer, and a clock of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from auth.models import Origin
from auth.sign_in.attempts import RedisAttempts
from auth.sign_in.challenges import PostgresChallenges
from auth.sign_in.models import HeldKey, TokenPair
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from auth.sign_in.service import SignInService
from auth.sign_in.signing import Signer, new_key, publish
from auth.sign_in.starting import SessionStarter
from authorizer.key_set import KeySet
from authorizer.repository import PostgresAdmission
from authorizer.service import Authenticator
from llmo_auth.access_token import AccessTokens
from llmo_auth.principal import Person, Principal
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import NOON, MovableClock
from tests.integration.auth.announcements import outbox
from tests.integration.organizations import PEPPER

NOW = NOON
PASSWORD = "correct horse battery staple"
ISSUER = "https://llmo.example"
_KEY = new_key("key-1", signs_from=NOW, created_at=NOW)


class OneKey:
    """Holds one signing key."""

    def read(self) -> Sequence[HeldKey]:
        return [_KEY]


async def published() -> Mapping[str, Mapping[str, Any]]:
    """What the authorizer knows of it."""
    return {_KEY.kid: publish(_KEY).public_key}


def attempts(redis: Redis, *, per_ip: int = 10_000) -> RedisAttempts:
    """Counts attempts; addresses of the network are shared by tests, so their limit is out of reach."""
    return RedisAttempts(redis, secret=b"secret", per_ip=per_ip)


@dataclass
class House:
    """Somebody who has an account, and where they sign in."""

    email: str
    user_id: UUID
    org_id: UUID
    service: SignInService
    authenticator: Authenticator
    clock: MovableClock

    async def login(
        self, password: str = PASSWORD, *, org_id: UUID | None = None, ip: str | None = "203.0.113.10"
    ) -> TokenPair:
        """Sign in."""
        origin = Origin(ip=ip, user_agent="a browser")
        return await self.service.login(self.email, password, org_id=org_id, origin=origin)

    async def refresh(self, pair: TokenPair, org_id: UUID | None = None) -> TokenPair:
        """Use a pair's refresh token."""
        return await self.service.refresh(pair.refresh_token, org_id=org_id, origin=Origin(ip="203.0.113.10"))

    async def principal(self, pair: TokenPair) -> Principal:
        """Whom the authorizer takes an access token for."""
        principal = await self.authenticator.authenticate(f"Bearer {pair.access_token}")
        assert isinstance(principal, Principal)
        return principal

    async def person(self, pair: TokenPair) -> Person:
        """The same, as themselves."""
        return Person.from_context((await self.authenticator.authenticate(f"Bearer {pair.access_token}")).to_context())


def house(
    auth_database: Database,
    authorizer_database: Database,
    redis: Redis,
    *,
    email: str,
    user_id: UUID,
    org_id: UUID,
    counted: RedisAttempts | None = None,
) -> House:
    """Wire it."""
    clock, tokens = MovableClock(), AccessTokens(issuer=ISSUER, audience=ISSUER)
    starter = SessionStarter(
        people=PostgresPeople(auth_database),
        sessions=PostgresSessions(auth_database),
        challenges=PostgresChallenges(auth_database),
        events=outbox(auth_database),
        signs=Signer(keys=OneKey(), tokens=tokens, clock=clock),
        secret=b"secret",
        clock=clock,
        new_id=new_id,
    )
    service = SignInService(
        people=PostgresPeople(auth_database),
        sessions=PostgresSessions(auth_database),
        passwords=Argon2Passwords(),
        attempts=counted or attempts(redis),
        starter=starter,
        events=outbox(auth_database),
        secret=b"secret",
        clock=clock,
    )
    authenticator = Authenticator(
        admission=PostgresAdmission(authorizer_database),
        signing_keys=KeySet(published=published, clock=clock),
        tokens=tokens,
        pepper=PEPPER.encode(),
        clock=clock,
    )
    return House(email, user_id, org_id, service, authenticator, clock)
