"""The use cases of signing in with their adapters."""

from auth import wiring as shared
from auth.sign_in.challenges import PostgresChallenges
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresSessions, PostgresSigningKeys
from auth.sign_in.service import SignInService
from auth.sign_in.signing import SecretKeys, Signer, new_key, publish
from auth.sign_in.signing_keys import SigningKeyService
from auth.sign_in.starting import SessionStarter
from auth.wiring import once
from llmo_auth.access_token import AccessTokens
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def access_tokens() -> AccessTokens:
    """Our own access tokens."""
    public_url = shared.settings().public_url
    return AccessTokens(issuer=public_url, audience=public_url)


@once
def signer() -> Signer:
    """Signs tokens."""
    keys = SecretKeys(shared.settings().signing_keys_secret)
    return Signer(keys=keys, tokens=access_tokens(), clock=SystemClock())


@once
def session_starter() -> SessionStarter:
    """Starts sessions, for every way of signing in."""
    return SessionStarter(
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        challenges=PostgresChallenges(shared.database()),
        events=shared.events(),
        signs=signer(),
        secret=shared.pepper(),
        clock=SystemClock(),
        new_id=new_id,
    )


@once
def _sign_in_service() -> SignInService:
    return SignInService(
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        passwords=Argon2Passwords(),
        attempts=shared.attempts(),
        starter=session_starter(),
        events=shared.events(),
        secret=shared.pepper(),
        clock=SystemClock(),
    )


async def sign_in_service() -> SignInService:
    """The use cases of signing in and out."""
    return _sign_in_service()


async def signing_key_service() -> SigningKeyService:
    """The use cases of signing keys."""
    return rotation_service()


@once
def rotation_service() -> SigningKeyService:
    """The same; the function that rotates them has a smaller environment than the API."""
    settings = shared.rotation_settings()
    return SigningKeyService(
        private=SecretKeys(settings.signing_keys_secret),
        published=PostgresSigningKeys(shared.database()),
        new_key=new_key,
        publish=publish,
        clock=SystemClock(),
        new_id=new_id,
    )
