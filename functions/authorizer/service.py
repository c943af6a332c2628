"""Who a request's credentials belong to."""

from typing import Protocol

from authorizer.models import AdmissionKey, KeyExpired, KeyRevoked, KeyUnknown, NoBearerToken, NotAnApiKey
from llmo_auth import api_key
from llmo_auth.principal import ActorType, Principal
from llmo_core.clock import Clock


class AdmissionKeys(Protocol):
    """The API keys of all organizations."""

    async def find(self, key_hash: str) -> AdmissionKey | None:
        """The key with this digest, also when it is revoked or expired."""
        ...


class Authenticator:
    """Recognizes callers by their API key."""

    def __init__(self, *, keys: AdmissionKeys, pepper: bytes, clock: Clock) -> None:
        self._keys = keys
        self._pepper = pepper
        self._clock = clock

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal behind an `Authorization` header; its checksum is verified before anything is looked up.

        Only API keys are credentials: JSON Web Tokens are refused, because the auth service issues none. Raises
        NoBearerToken, NotAnApiKey, KeyUnknown, KeyRevoked or KeyExpired.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NoBearerToken
        key = api_key.parse(token.strip())
        if key is None:
            raise NotAnApiKey
        found = await self._keys.find(key.digest(self._pepper))
        if found is None:
            raise KeyUnknown
        if found.revoked_at is not None:
            raise KeyRevoked
        if found.expires_at is not None and found.expires_at <= self._clock.now():
            raise KeyExpired
        return Principal(
            org_id=found.org_id,
            project_id=found.project_id,
            actor_type=ActorType.API_KEY,
            actor_id=found.key_id,
            permissions=found.permissions,
        )
