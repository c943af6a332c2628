"""Who a request's credentials belong to."""

from typing import Any, Protocol
from uuid import UUID

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
)
from llmo_auth import access_token, api_key
from llmo_auth.access_token import AccessToken, AccessTokens
from llmo_auth.networks import address_bits, network_bits, within
from llmo_auth.principal import IDENTITY_SCOPES, ActorType, Person, Principal, permissions_of
from llmo_core.clock import Clock


class Admission(Protocol):
    """What the auth service publishes of keys, sessions and service accounts, of all organizations."""

    async def key(self, key_hash: str) -> AdmissionKey | None:
        """The API key with this digest, also when it is revoked or expired."""
        ...

    async def session(self, session_id: UUID, org_id: UUID | None) -> AdmissionSession | None:
        """A session of a member of an organization, or of somebody in none, also when it has ended."""
        ...

    async def service_account(self, account_id: UUID) -> AdmissionServiceAccount | None:
        """The service account with this id, also when it is disabled."""
        ...


class SigningKeys(Protocol):
    """The keys that verify access tokens."""

    async def key(self, kid: str) -> Any:  # noqa: ANN401 - cryptography's key, for PyJWT
        """The public key with this name. Raises SigningKeyUnknown."""
        ...


class Authenticator:
    """Recognizes callers by their API key or their access token."""

    def __init__(
        self, *, admission: Admission, signing_keys: SigningKeys, tokens: AccessTokens, pepper: bytes, clock: Clock
    ) -> None:
        self._admission = admission
        self._signing_keys = signing_keys
        self._tokens = tokens
        self._pepper = pepper
        self._clock = clock

    async def authenticate(self, authorization: str | None, *, source_ip: str | None = None) -> Principal | Person:
        """The principal behind an `Authorization` header; checksums and signatures are verified before any look-up.

        Raises NoBearerToken; NotAnApiKey, KeyUnknown, KeyRevoked, KeyExpired or AddressNotAllowed for a key;
        NotAnAccessToken, AccessTokenExpired, SigningKeyUnknown, SessionEnded or ServiceAccountDisabled for a token.
        """
        scheme, _, credentials = (authorization or "").strip().partition(" ")
        credentials = credentials.strip()
        if scheme.lower() != "bearer" or not credentials:
            raise NoBearerToken
        if access_token.looks_like_one(credentials):
            return await self._token(credentials)
        return await self._api_key(credentials, source_ip)

    async def _token(self, text: str) -> Principal | Person:
        public_key = await self._signing_keys.key(access_token.key_id(text))
        token = self._tokens.verify(text, public_key, self._clock.now())
        if token.session_id is None:
            return await self._service_account(token)
        return await self._user(token, token.session_id)

    async def _user(self, token: AccessToken, session_id: UUID) -> Principal | Person:
        """A signed-in user may do what the token was given, and the user's role still allows."""
        session = await self._admission.session(session_id, token.org_id)
        if session is None or session.user_id != token.user_id:
            raise SessionEnded
        if session.revoked_at is not None or session.expires_at <= self._clock.now():
            raise SessionEnded
        if token.org_id is None or session.role is None:
            return Person(
                user_id=token.user_id,
                session_id=session_id,
                client_id=token.client_id,
                identity_scope=token.scope & IDENTITY_SCOPES,
            )
        return Principal(
            org_id=token.org_id,
            project_id=None,
            actor_type=ActorType.USER,
            actor_id=token.user_id,
            permissions=token.scope & permissions_of(session.role, session.role_permissions),
            session_id=session_id,
            client_id=token.client_id,
            service=token.service,
            identity_scope=token.scope & IDENTITY_SCOPES,
        )

    async def _service_account(self, token: AccessToken) -> Principal:
        """A service account may do what the token was given, while it is not disabled."""
        account = await self._admission.service_account(token.user_id)
        if account is None or account.disabled_at is not None or account.org_id != token.org_id:
            raise ServiceAccountDisabled
        return Principal(
            org_id=account.org_id,
            project_id=None,
            actor_type=ActorType.SERVICE_ACCOUNT,
            actor_id=token.user_id,
            permissions=token.scope & account.permissions,
            service=token.service,
        )

    async def _api_key(self, text: str, source_ip: str | None) -> Principal:
        key = api_key.parse(text)
        if key is None:
            raise NotAnApiKey
        found = await self._admission.key(key.digest(self._pepper))
        if found is None:
            raise KeyUnknown
        if found.revoked_at is not None:
            raise KeyRevoked
        if found.expires_at is not None and found.expires_at <= self._clock.now():
            raise KeyExpired
        networks = [network_bits(cidr) for cidr in found.allowed_cidrs] if found.allowed_cidrs is not None else None
        if not within(networks, address_bits(source_ip or "")):
            raise AddressNotAllowed
        return Principal(
            org_id=found.org_id,
            project_id=found.project_id,
            actor_type=ActorType.API_KEY,
            actor_id=found.key_id,
            permissions=found.permissions,
        )
