from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizer.models import AdmissionKey, KeyExpired, KeyRevoked, KeyUnknown, NoBearerToken, NotAnApiKey
from authorizer.service import Authenticator
from llmo_auth import api_key
from llmo_auth.principal import ActorType
from llmo_core.ids import new_id

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
KEY = api_key.generate("Org0000001")


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class KeysInMemory:
    kept: dict[str, AdmissionKey] = field(default_factory=dict)
    asked: int = 0

    async def find(self, key_hash: str) -> AdmissionKey | None:
        self.asked += 1
        return self.kept.get(key_hash)


def knowing(*, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> KeysInMemory:
    key = AdmissionKey(
        key_id=new_id(),
        org_id=new_id(),
        project_id=new_id(),
        permissions=frozenset({"usage:read", "llm:call"}),
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    return KeysInMemory({KEY.digest(b"pepper"): key})


def authenticator(keys: KeysInMemory) -> Authenticator:
    return Authenticator(keys=keys, pepper=b"pepper", clock=StoppedClock())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_valid_key_is_its_principal(scheme: str) -> None:
    keys = knowing(expires_at=NOW + timedelta(microseconds=1))
    [key] = keys.kept.values()

    principal = await authenticator(keys).authenticate(f"{scheme} {KEY.text}")

    assert (principal.org_id, principal.project_id, principal.actor_id) == (key.org_id, key.project_id, key.key_id)
    assert (principal.actor_type, principal.permissions) == (ActorType.API_KEY, key.permissions)


async def test_a_key_is_refused_from_the_moment_it_expires() -> None:
    with pytest.raises(KeyExpired):
        await authenticator(knowing(expires_at=NOW)).authenticate(f"Bearer {KEY.text}")


async def test_a_revoked_key_is_refused() -> None:
    with pytest.raises(KeyRevoked):
        await authenticator(knowing(revoked_at=NOW)).authenticate(f"Bearer {KEY.text}")


async def test_a_key_that_nobody_has_is_refused() -> None:
    with pytest.raises(KeyUnknown):
        await authenticator(KeysInMemory()).authenticate(f"Bearer {KEY.text}")


async def test_a_key_under_another_pepper_is_unknown() -> None:
    keys = knowing()
    with pytest.raises(KeyUnknown):
        await Authenticator(keys=keys, pepper=b"other", clock=StoppedClock()).authenticate(f"Bearer {KEY.text}")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic {key}", "{key}"])
async def test_a_request_without_a_bearer_token_is_refused_without_a_look_up(authorization: str | None) -> None:
    keys = knowing()
    with pytest.raises(NoBearerToken):
        await authenticator(keys).authenticate(authorization and authorization.format(key=KEY.text))
    assert keys.asked == 0


@given(st.text())
async def test_what_is_no_key_is_refused_without_a_look_up(text: str) -> None:
    keys = knowing()
    with pytest.raises((NotAnApiKey, NoBearerToken)):
        await authenticator(keys).authenticate(f"Bearer {text}")
    assert keys.asked == 0
