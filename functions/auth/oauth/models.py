"""Applications, what people let them do, and the refusals of OAuth.

The name of a refusal's class is the error code that the RFC gives it: `InvalidGrant` is answered as `invalid_grant`.
Sources: RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2, OpenID Connect Core section 3.1.2.6.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import Field

from auth.service_accounts.models import ServiceAccount
from llmo_auth.principal import Permission
from llmo_core.errors import Forbidden, Invalid, LlmoError, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

REQUEST_LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(seconds=60)
CODE_REMEMBERED = timedelta(days=1)  # so that a second use is noticed


class Application(Model):
    """A program that people let act for them: an OAuth client.

    Attributes:
        org_id: Who registered it.
        permissions: The most that it can be given.
        secret_hash: None for a public client, which cannot keep a secret.
    """

    id: UUID
    org_id: UUID
    name: str
    redirect_uris: Sequence[str]
    permissions: Sequence[Permission]
    secret_hash: str | None = Field(repr=False)
    created_by: UUID
    created_at: datetime

    @property
    def confidential(self) -> bool:
        """Whether it has a secret to prove who it is."""
        return self.secret_hash is not None


class Party(Model):
    """Who asks for a token, and has proved it as well as they can: an application, or a service account."""

    id: UUID
    org_id: UUID
    application: Application | None = None
    account: ServiceAccount | None = None

    @property
    def proved(self) -> bool:
        """Whether it showed a secret: anybody can say that they are a public client."""
        return self.account is not None or (self.application is not None and self.application.confidential)


class AuthorizationRequest(Model):
    """What an application asked for in a browser, and whose browser it is once they have signed in.

    Attributes:
        amr: How they did (RFC 8176), sorted.
    """

    cookie_hash: str = Field(repr=False)
    form_hash: str = Field(repr=False)
    client_id: UUID
    redirect_uri: str
    code_challenge: str
    scope: Sequence[str]
    state: str | None
    nonce: str | None
    user_id: UUID | None = None
    authenticated_at: datetime | None = None
    amr: Sequence[str] = Field(default_factory=list)
    created_at: datetime
    expires_at: datetime


class RecognizedRequest(AuthorizationRequest):
    """A request whose person has signed in."""

    user_id: UUID
    authenticated_at: datetime


class AuthorizationCode(Model):
    """A code as it is kept, with what it is exchanged for.

    Attributes:
        session_id: Of the session that is started with it.
        valid_until: When it is worth nothing any more; it is remembered until `expires_at`.
    """

    code_hash: str = Field(repr=False)
    client_id: UUID
    user_id: UUID
    org_id: UUID | None
    session_id: UUID
    redirect_uri: str
    code_challenge: str
    scope: Sequence[str]
    nonce: str | None
    authenticated_at: datetime
    amr: Sequence[str]
    created_at: datetime
    valid_until: datetime
    expires_at: datetime
    used_at: datetime | None = None


class Tokens(Model):
    """What a grant gives (RFC 6749, section 5.1)."""

    access_token: str = Field(repr=False)
    expires_in: timedelta
    scope: frozenset[str]
    refresh_token: str | None = Field(None, repr=False)
    id_token: str | None = Field(None, repr=False)


class OauthClientCreated(Event, name="llmo.auth.oauth_client.created"):
    """An application that people can let act for them."""

    client_id: UUID
    name: str
    redirect_uris: Sequence[str]
    permissions: Sequence[Permission]
    created_by: UUID


class OauthClientRemoved(Event, name="llmo.auth.oauth_client.removed"):
    """An application acts for nobody any more."""

    client_id: UUID
    removed_by: UUID


class OauthGrantCreated(Event, name="llmo.auth.oauth_grant.created"):
    """Somebody let an application act for them; the session's id is the grant's."""

    session_id: UUID
    user_id: UUID
    client_id: UUID
    scope: Sequence[str]


class OauthGrantRevoked(Event, name="llmo.auth.oauth_grant.revoked"):
    """An application gave a grant back, or showed its code a second time."""

    session_id: UUID
    user_id: UUID
    client_id: UUID
    code_reused: bool


class UnknownApplication(NotFound):
    """The organization has no application with this id, or it was removed."""


class UnusableRequest(Invalid):
    """The request names no application that we know, or cannot be gone on with: it is answered to the person alone."""


class ScopeMissing(Forbidden):
    """The access token was not given the scope `openid`."""


class OAuthRefusal(LlmoError):
    """What the client is told in OAuth's own words."""


class InvalidRequest(OAuthRefusal):
    """A parameter is missing, malformed, or there twice."""


class InvalidClient(OAuthRefusal):
    """There is no such client, or it did not prove that it is the one."""


class InvalidGrant(OAuthRefusal):
    """The code or the token is unknown, expired, used up, another client's, or for another request."""


class UnauthorizedClient(OAuthRefusal):
    """This kind of client cannot use this kind of grant."""


class UnsupportedGrantType(OAuthRefusal):
    """There are authorization codes, refresh tokens and client credentials."""


class UnsupportedResponseType(OAuthRefusal):
    """There are authorization codes."""


class InvalidScope(OAuthRefusal):
    """Nothing of the scope can be given."""


class InvalidTarget(OAuthRefusal):
    """A token is for all of the API, or for one service of it: `{issuer}/api/v1/<service>`."""


class AccessDenied(OAuthRefusal):
    """The person did not allow it."""


class LoginRequired(OAuthRefusal):
    """The person has to be asked: nobody is remembered as signed in here."""


class RequestNotSupported(OAuthRefusal):
    """Parameters come as such, and not in a request object."""


class RequestUriNotSupported(OAuthRefusal):
    """Parameters come as such, and not from another address."""


class UnsupportedTokenType(OAuthRefusal):
    """A service account's access token cannot be revoked by itself: disable the account."""
