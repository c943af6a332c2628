"""Sessions, refresh tokens and signing keys, and what can go wrong with signing in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from llmo_auth.principal import permissions_of
from llmo_core.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated, Unavailable
from llmo_core.model import Model

SESSION_LIFE = timedelta(days=90)
REFRESH_TOKEN_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=10)


class Credentials(Model):
    """What a person who signs in is checked against."""

    user_id: UUID
    email: str
    password_hash: str = Field(repr=False)


class Profile(Model):
    """What a person shows of themselves."""

    user_id: UUID
    email: str
    name: str


class Membership(Model):
    """What a person is in one organization.

    Attributes:
        role_permissions: Of a role that the organization made itself.
    """

    org_id: UUID
    role: str
    role_permissions: frozenset[str] | None = None

    @property
    def permissions(self) -> frozenset[str]:
        """What they may do there."""
        return permissions_of(self.role, self.role_permissions)


class Session(Model):
    """Where somebody is signed in. Its refresh tokens follow one another; it ends with them.

    Attributes:
        org_id: What its access tokens are for; None while the person is in no organization.
        authenticated_at: When the person last proved who they are.
        expires_at: However often it is used.
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

    def live(self, now: datetime) -> bool:
        """Whether its tokens are accepted."""
        return self.revoked_at is None and self.expires_at > now


class KeptRefreshToken(Model):
    """A refresh token as it is kept: its digest, and once it was used its sealed successor."""

    token_hash: str
    session_id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    successor: bytes | None = Field(None, repr=False)


class TokenPair(Model):
    """What signing in gives."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: timedelta


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


class UnknownSession(NotFound):
    """You have no session with this id."""


class NoSigningKey(Unavailable):
    """No key signs access tokens yet: the signing keys' rotation has not run."""
