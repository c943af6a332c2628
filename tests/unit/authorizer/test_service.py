from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from auth.sign_in import signing
from authorizer.key_set import KeySet
from authorizer.models import (
    AddressNotAllowed,
    AdmissionKey,
    AdmissionServiceAccount,
    AdmissionSession,
    KeyExpired,
    KeyRevoked,
    KeyUnknown,
    NoBearerToken,
    NotAnApiKey,
    ServiceAccountDisabled,
    SessionEnded,
    SigningKeyUnknown,
)
from authorizer.service import Authenticator
from llmo_auth import api_key
from llmo_auth.access_token import AccessToken, AccessTokenExpired, AccessTokens, NotAnAccessToken
from llmo_auth.principal import ActorType, Principal, Role
from llmo_core.ids import new_id

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
KEY = api_key.generate("Org0000001")


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class KeysInMemory:
    kept: dict[str, AdmissionKey] = field(default_factory=dict)
    sessions: dict[UUID, AdmissionSession] = field(default_factory=dict)
    accounts: dict[UUID, AdmissionServiceAccount] = field(default_factory=dict)
    org_id: UUID | None = None
    asked: int = 0

    async def key(self, key_hash: str) -> AdmissionKey | None:
        self.asked += 1
        return self.kept.get(key_hash)

    async def service_account(self, account_id: UUID) -> AdmissionServiceAccount | None:
        self.asked += 1
        return self.accounts.get(account_id)

    async def session(self, session_id: UUID, org_id: UUID | None) -> AdmissionSession | None:
        self.asked += 1
        session = self.sessions.get(session_id)
        return session if org_id == self.org_id else None


def knowing(
    *,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
    allowed_cidrs: tuple[str, ...] | None = None,
) -> KeysInMemory:
    key = AdmissionKey(
        key_id=new_id(),
        org_id=new_id(),
        project_id=new_id(),
        permissions=frozenset({"usage:read", "llm:call"}),
        allowed_cidrs=allowed_cidrs,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    return KeysInMemory({KEY.digest(b"pepper"): key})


ISSUER = "https://llmo.example"
SIGNING_KEY = signing.new_key("key-1", signs_from=NOW, created_at=NOW)
TOKENS = AccessTokens(issuer=ISSUER, audience=ISSUER)


async def published() -> dict[str, Mapping[str, Any]]:
    return {"key-1": signing.publish(SIGNING_KEY).public_key}


def authenticator(keys: KeysInMemory, pepper: bytes = b"pepper") -> Authenticator:
    signing_keys = KeySet(published=published, clock=StoppedClock())
    return Authenticator(admission=keys, signing_keys=signing_keys, tokens=TOKENS, pepper=pepper, clock=StoppedClock())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_valid_key_is_its_principal(scheme: str) -> None:
    keys = knowing(expires_at=NOW + timedelta(microseconds=1))
    [key] = keys.kept.values()

    principal = await authenticator(keys).authenticate(f"{scheme} {KEY.text}")
    assert isinstance(principal, Principal)

    assert (principal.org_id, principal.project_id, principal.actor_id) == (key.org_id, key.project_id, key.key_id)
    assert (principal.actor_type, principal.permissions) == (ActorType.API_KEY, key.permissions)


async def test_a_key_is_refused_from_the_moment_it_expires() -> None:
    with pytest.raises(KeyExpired):
        await authenticator(knowing(expires_at=NOW)).authenticate(f"Bearer {KEY.text}")


async def test_a_revoked_key_is_refused() -> None:
    with pytest.raises(KeyRevoked):
        await authenticator(knowing(revoked_at=NOW)).authenticate(f"Bearer {KEY.text}")


@pytest.mark.parametrize("source_ip", ["203.0.113.9", "::ffff:203.0.113.9"])
async def test_a_key_that_is_limited_to_networks_works_there(source_ip: str) -> None:
    limited = authenticator(knowing(allowed_cidrs=("203.0.113.0/24",)))
    caller = await limited.authenticate(f"Bearer {KEY.text}", source_ip=source_ip)
    assert isinstance(caller, Principal)


@pytest.mark.parametrize("source_ip", ["198.51.100.1", "2001:db8::1", "unknown", None])
async def test_a_key_that_is_limited_to_networks_is_refused_elsewhere(source_ip: str | None) -> None:
    limited = authenticator(knowing(allowed_cidrs=("203.0.113.0/24",)))
    with pytest.raises(AddressNotAllowed):
        await limited.authenticate(f"Bearer {KEY.text}", source_ip=source_ip)


async def test_a_key_that_nobody_has_is_refused() -> None:
    with pytest.raises(KeyUnknown):
        await authenticator(KeysInMemory()).authenticate(f"Bearer {KEY.text}")


async def test_a_key_under_another_pepper_is_unknown() -> None:
    keys = knowing()
    with pytest.raises(KeyUnknown):
        await authenticator(keys, pepper=b"other").authenticate(f"Bearer {KEY.text}")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic {key}", "{key}"])
async def test_a_request_without_a_bearer_token_is_refused_without_a_look_up(authorization: str | None) -> None:
    keys = knowing()
    with pytest.raises(NoBearerToken):
        await authenticator(keys).authenticate(authorization and authorization.format(key=KEY.text))
    assert keys.asked == 0


@given(st.text())
async def test_what_is_no_key_is_refused_without_a_look_up(text: str) -> None:
    keys = knowing()
    with pytest.raises((NotAnApiKey, NotAnAccessToken, NoBearerToken)):
        await authenticator(keys).authenticate(f"Bearer {text}")
    assert keys.asked == 0


@dataclass(frozen=True)
class Loaded:
    kid: str
    private_key: Any


SIGNING = Loaded("key-1", load_pem_private_key(SIGNING_KEY.private_pem.encode(), password=None))


def signed_in(role: Role = Role.OWNER, *, revoked_at: datetime | None = None) -> tuple[KeysInMemory, AccessToken]:
    """Somebody's session, and the access token that it gave."""
    session_id = new_id()
    token = AccessToken(
        user_id=new_id(),
        org_id=new_id(),
        session_id=session_id,
        scope=frozenset({"keys:read", "keys:write"}),
        issued_at=NOW - timedelta(minutes=1),
        expires_at=NOW + timedelta(minutes=14),
        id=new_id(),
    )
    session = AdmissionSession(
        user_id=token.user_id, role=role, expires_at=NOW + timedelta(days=1), revoked_at=revoked_at
    )
    return KeysInMemory(sessions={session_id: session}, org_id=token.org_id), token


async def test_a_signed_in_user_is_a_principal_of_the_tokens_organization() -> None:
    keys, token = signed_in()

    principal = await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, SIGNING)}")
    assert isinstance(principal, Principal)

    assert (principal.actor_type, principal.actor_id) == (ActorType.USER, token.user_id)
    assert (principal.org_id, principal.session_id) == (token.org_id, token.session_id)
    assert principal.permissions == {"keys:read", "keys:write"}


async def test_a_user_may_do_no_more_than_the_role_still_allows() -> None:
    keys, token = signed_in(Role.VIEWER)

    principal = await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, SIGNING)}")
    assert isinstance(principal, Principal)

    assert principal.permissions == {"keys:read"}


async def test_the_token_of_a_revoked_session_is_refused_before_it_expires() -> None:
    keys, token = signed_in(revoked_at=NOW)

    with pytest.raises(SessionEnded):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, SIGNING)}")


@pytest.mark.parametrize("changed", ["user_id", "org_id", "session_id"])
async def test_a_token_for_somebody_elses_session_is_refused(changed: str) -> None:
    keys, token = signed_in()
    other = token.model_copy(update={changed: new_id()})

    with pytest.raises(SessionEnded):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(other, SIGNING)}")


async def test_an_expired_token_is_refused_without_a_look_up() -> None:
    keys, token = signed_in()
    expired = token.model_copy(update={"expires_at": NOW})

    with pytest.raises(AccessTokenExpired):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(expired, SIGNING)}")
    assert keys.asked == 0


async def test_a_token_of_a_key_that_nobody_published_is_refused() -> None:
    keys, token = signed_in()

    with pytest.raises(SigningKeyUnknown):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, Loaded('key-2', SIGNING.private_key))}")


def account(
    *, disabled_at: datetime | None = None, permissions: frozenset[str] = frozenset({"keys:read", "usage:read"})
) -> tuple[KeysInMemory, AccessToken]:
    """A service account, and the access token that it got."""
    account_id, org_id = new_id(), new_id()
    token = AccessToken(
        user_id=account_id,
        org_id=org_id,
        session_id=None,
        client_id=account_id,
        scope=frozenset({"keys:read", "keys:write"}),
        issued_at=NOW - timedelta(minutes=1),
        expires_at=NOW + timedelta(minutes=14),
        id=new_id(),
        service="analytics",
    )
    known = AdmissionServiceAccount(org_id=org_id, permissions=permissions, disabled_at=disabled_at)
    return KeysInMemory(accounts={account_id: known}), token


async def test_a_service_account_may_do_what_its_token_and_the_account_allow() -> None:
    keys, token = account()

    principal = await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, SIGNING)}")
    assert isinstance(principal, Principal)

    assert (principal.actor_type, principal.actor_id) == (ActorType.SERVICE_ACCOUNT, token.user_id)
    assert (principal.org_id, principal.session_id, principal.service) == (token.org_id, None, "analytics")
    assert principal.permissions == {"keys:read"}


async def test_the_token_of_a_disabled_account_is_refused_before_it_expires() -> None:
    keys, token = account(disabled_at=NOW)

    with pytest.raises(ServiceAccountDisabled):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(token, SIGNING)}")


@pytest.mark.parametrize("changed", [{"org_id": new_id()}, {"user_id": UUID(int=1), "client_id": UUID(int=1)}])
async def test_a_token_for_another_account_or_organization_is_refused(changed: dict[str, UUID]) -> None:
    keys, token = account()
    other = token.model_copy(update=changed)

    with pytest.raises(ServiceAccountDisabled):
        await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(other, SIGNING)}")


async def test_who_acts_for_a_user_is_known() -> None:
    keys, token = signed_in()
    client_id = new_id()
    delegated = token.model_copy(update={"client_id": client_id})

    principal = await authenticator(keys).authenticate(f"Bearer {TOKENS.sign(delegated, SIGNING)}")

    assert isinstance(principal, Principal)
    assert (principal.client_id, principal.in_person) == (client_id, False)
