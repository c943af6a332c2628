"""Identity providers, identities and sign-ins that are under way; what is announced of them, and what can go wrong."""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from llmo_core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from llmo_core.model import Model
from llmo_messaging.envelope import Event

FLOW_LIFE = timedelta(minutes=10)


class Kind(StrEnum):
    """How a provider is spoken to."""

    GOOGLE = "google"
    GITHUB = "github"
    OIDC = "oidc"


# Google's is in its discovery document; GitHub speaks OAuth 2 alone, and names this issuer in its own one.
_ISSUERS = {Kind.GOOGLE: "https://accounts.google.com", Kind.GITHUB: "https://github.com/login/oauth"}


class IdentityProvider(Model):
    """Where people may sign in, as the deployment's operator configured it.

    Attributes:
        issuer: What its metadata is found below, exactly as it writes it; of GitHub, what the endpoints are below.
        api_url: Of GitHub alone: where its REST API is.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    kind: Kind
    name: str = Field(min_length=1, max_length=100)
    issuer: str = Field(min_length=1, max_length=500, pattern=r"^https?://[!-~]+$")
    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1, repr=False)
    api_url: str = "https://api.github.com"

    @model_validator(mode="before")
    @classmethod
    def _with_issuer(cls, given: Any) -> Any:  # noqa: ANN401 - whatever there is to be validated
        if isinstance(given, dict) and "issuer" not in given and given.get("kind") in _ISSUERS:
            return given | {"issuer": _ISSUERS[given["kind"]]}
        return given


class FlowSecrets(Model):
    """What only we and the client that began a sign-in may know together.

    Attributes:
        nonce: Ties an ID token to the sign-in (OpenID Connect Core, section 15.5.2).
        verifier: Ties an authorization code to it (RFC 7636).
    """

    nonce: str = Field(repr=False)
    verifier: str = Field(repr=False)


class Flow(Model):
    """Somebody who was sent to a provider, as it is kept.

    Attributes:
        secrets: Sealed under the token's text.
        user_id: Who links an identity; None for somebody who signs in.
    """

    token_hash: str
    state_hash: str
    provider: str
    secrets: bytes = Field(repr=False)
    user_id: UUID | None
    created_at: datetime
    expires_at: datetime


class Begun(Model):
    """Where to send somebody, and the token without which nobody can go on from there."""

    authorization_url: str = Field(repr=False)
    flow_token: str = Field(repr=False)


class Answer(Model):
    """What the provider's redirect brought, and the token of the client that began.

    Attributes:
        iss: The issuer, where the provider says it (RFC 9207).
    """

    code: str = Field(repr=False)
    state: str = Field(repr=False)
    flow_token: str = Field(repr=False)
    iss: str | None = None


class Confirmed(Model):
    """Who somebody is, by their provider's word.

    Attributes:
        email: A usable address, or None.
        email_verified: Whether the provider says that the address is theirs.
    """

    provider: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None


class Identity(Model):
    """What somebody is to a provider.

    Attributes:
        email: As the provider had it when the identity was linked.
    """

    id: UUID
    provider: str
    issuer: str
    subject: str
    user_id: UUID
    email: str | None
    created_at: datetime
    last_used_at: datetime | None = None


def identity_digest(issuer: str, subject: str) -> str:
    """What a transaction shows to read one identity; an issuer is a URL, and has no space in it."""
    return sha256(f"{issuer} {subject}".encode()).hexdigest()


class IdentityLinked(Event, name="llmo.auth.identity.linked"):
    """Mail this user that an identity signs in to their account now."""

    user_id: UUID
    email: str
    identity_id: UUID
    provider: str


class IdentityRemoved(Event, name="llmo.auth.identity.removed"):
    """Mail this user that an identity signs in to their account no more."""

    user_id: UUID
    email: str
    identity_id: UUID
    provider: str


class UnknownProvider(NotFound):
    """There is no such identity provider here."""


class InvalidFlow(Invalid):
    """This was not begun here, was answered already, or took more than ten minutes: start again."""


class IdentityRefused(Unauthenticated):
    """The identity provider did not confirm who this is: start again."""


class ProviderUnavailable(Unavailable):
    """The identity provider does not answer as it should."""


class ProvidersMisconfigured(Unavailable):
    """The configuration of identity providers cannot be read."""


class EmailNotVerified(Forbidden):
    """The identity provider does not say that the e-mail address is yours: verify it there, or register here."""


class AccountExists(Conflict):
    """There is an account with this e-mail address: sign in to it, and link the identity there."""


class IdentityTaken(Conflict):
    """This identity is linked to an account already."""


class UnknownIdentity(NotFound):
    """You have no identity with this id."""


class LastWayToSignIn(Conflict):
    """Nothing else signs in to the account: set a password with `/forgot-password`, or link another identity first."""
