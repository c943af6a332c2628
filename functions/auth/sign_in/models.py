"""Sessions, refresh tokens and signing keys, and what can go wrong with signing in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from llmo_auth.principal import Role
from llmo_core.errors import Forbidden, Invalid, NotFound, TooManyRequests, Unauthenticated, Unavailable
from llmo_core.model import Model

SESSION_LIFE = timedelta(days=90)
REFRESH_TOKEN_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=10)


class Credentials(Model):
    """What a person who signs in is checked against."""

    user_id: UUID
    email: str
    password_hash: str = Field(repr=False)


class Membership(Model):
    """What a person is in one organization."""

    org_id: UUID
    role: Role


class Session(Model):
    """Where somebody is signed in. Its refresh tokens follow one another; it ends with them.

    Attributes:
        org_id: What its access tokens are for; None while the person is in no organization.
        authenticated_at: When the person last proved who they are.
        expires_at: However often it is used.
        client_id: The application that acts for the person in it; None when they act themselves.
        scope: The most that its tokens may do; None when that is what the person may do.
    """

    id: UUID
    user_id: UUID
    org_id: UUID | None
    created_at: datetime
    authenticated_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    ip: str | None = None
    user_agent: str | None = None
    client_id: UUID | None = None
    scope: Sequence[str] | None = None

    def live(self, now: datetime) -> bool:
        """Whether its tokens are accepted."""
        return self.revoked_at is None and self.expires_at > now

    def narrowed(self, scope: frozenset[str]) -> "Session":
        """The same session for less. Raises ScopeBeyondGrant."""
        if self.scope is None or not scope <= frozenset(self.scope):
            raise ScopeBeyondGrant
        return self.model_copy(update={"scope": sorted(scope)})


class KeptRefreshToken(Model):
    """A refresh token as it is kept: its digest, and once it was used its sealed successor."""

    token_hash: str
    session_id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    successor: bytes | None = Field(None, repr=False)


class ClientGrant(Model):
    """What somebody let an application do.

    Attributes:
        session_id: The id of the session that is started with it.
        scope: Permissions, and what the application may know of the person.
        authenticated_at: When they proved who they are.
    """

    client_id: UUID
    session_id: UUID
    scope: Sequence[str]
    authenticated_at: datetime


class TokenPair(Model):
    """What signing in gives."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: timedelta
    scope: frozenset[str]


class HeldKey(Model):
    """A signing key with its private half.

    Attributes:
        signs_from: When it takes over; until then it is only published.
    """

    kid: str
    private_pem: str = Field(repr=False)
    signs_from: datetime
    created_at: datetime


class PublishedKey(Model):
    """A signing key's public half, a JSON Web Key."""

    kid: str
    public_key: Mapping[str, Any]
    signs_from: datetime
    created_at: datetime


class Rotation(Model):
    """What a rotation did, by the names of keys."""

    made: Sequence[str]
    retired: Sequence[str]
    published: Sequence[str]


class InvalidCredentials(Unauthenticated):
    """The e-mail address or the password is wrong."""


class TooManyAttempts(TooManyRequests):
    """There were too many attempts; wait, or reset the password."""


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is unknown or has expired, or its session has ended: sign in again."""


class NotAMember(Forbidden):
    """You are no member of this organization."""


class ScopeBeyondGrant(Invalid):
    """More was asked for than was allowed."""


class UnknownSession(NotFound):
    """You have no session with this id."""


class NoSigningKey(Unavailable):
    """No key signs access tokens yet: the signing keys' rotation has not run."""
