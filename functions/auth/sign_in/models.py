"""Sessions, refresh tokens and signing keys, and what can go wrong with signing in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from llmo_auth.principal import permissions_of
from llmo_core.errors import Forbidden, Invalid, NotFound, TooManyRequests, Unauthenticated, Unavailable
from llmo_core.model import Model
from llmo_messaging.envelope import Event

SESSION_LIFE = timedelta(days=90)
REFRESH_TOKEN_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=10)
CHALLENGE_LIFE = timedelta(minutes=5)
RECENT = timedelta(minutes=10)


class Amr(StrEnum):
    """How somebody proved who they are (RFC 8176)."""

    PASSWORD = "pwd"  # noqa: S105 - no password
    ONE_TIME_CODE = "otp"
    KEY = "swk"  # how well an authenticator keeps its key nobody attests
    MULTIPLE = "mfa"
    FEDERATED = "fed"  # RFC 8176 has no value for somebody else's word; this is what Microsoft's tokens say


class Method(StrEnum):
    """What somebody can show as their second factor."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


class Suspicion(StrEnum):
    """Why somebody else may be signing in."""

    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - no password
    SECOND_FACTOR_GUESSED = "second_factor_guessed"
    PASSKEY_COPIED = "passkey_copied"


class Credentials(Model):
    """What a person who signs in is checked against.

    Attributes:
        password_hash: None for somebody who signs in elsewhere, and has set no password yet.
    """

    user_id: UUID
    email: str
    password_hash: str | None = Field(repr=False)


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


class Challenge(Model):
    """Somebody who showed one factor and is asked for another, as it is kept.

    Attributes:
        org_id: What the tokens shall be for; nobody has looked yet whether they are a member.
        amr: What was shown already.
        wrong_answers: How many were given.
    """

    token_hash: str
    user_id: UUID
    org_id: UUID | None
    amr: frozenset[Amr]
    wrong_answers: int = 0
    created_at: datetime
    expires_at: datetime


class Question(Model):
    """What a challenge says to whoever has to answer it."""

    mfa_token: str = Field(repr=False)
    methods: Sequence[Method]


class SessionStarted(Event, name="llmo.auth.session.started"):
    """Somebody signed in, or let an application act for them: `client_id`."""

    user_id: UUID
    session_id: UUID
    client_id: UUID | None
    amr: tuple[str, ...]
    ip: str | None
    user_agent: str | None


class Started(Model):
    """What came of starting a session: tokens, or the question for a second factor."""

    pair: TokenPair | None = None
    question: Question | None = None

    def tokens(self) -> TokenPair:
        """The tokens; ask for them once the transaction is committed, for the question is of no use without it.

        Raises SecondFactorRequired.
        """
        if self.pair is None:
            raise SecondFactorRequired.by(self.question)
        return self.pair


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


class LoginSuspicious(Event, name="llmo.auth.login.suspicious"):
    """Mail this user that somebody else may have what they sign in with."""

    user_id: UUID
    email: str
    reason: Suspicion
    ip: str | None = None


class InvalidCredentials(Unauthenticated):
    """The e-mail address or the password is wrong."""


class SecondFactorRequired(Unauthenticated):
    """A second factor is needed: show one of those in `methods`, together with the `mfa_token`."""

    @classmethod
    def by(cls, question: Question | None) -> Self:
        """The refusal that asks this question."""
        error = cls()
        if question is not None:
            error.extensions = question.model_dump(mode="json")
        return error


class ReauthenticationRequired(Forbidden):
    """This takes somebody who proved in the last ten minutes who they are: reauthenticate, and repeat the request."""


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
