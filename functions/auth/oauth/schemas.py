"""Bodies of the authorization server."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from auth.oauth.inspection import TokenFacts
from auth.oauth.models import Application, Tokens
from auth.oauth.redirects import registrable
from auth.oauth.scopes import EMAIL, PROFILE
from auth.sign_in.models import Profile
from llmo_auth.principal import Permission
from llmo_core.fields import Name
from llmo_core.model import Model

_CLAIMS = ("sub", "iss", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "name", "email", "email_verified")

type RedirectUri = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(registrable)]


class RegisterApplication(Model):
    """A new application. A public one runs where it cannot keep a secret: on a phone, in a browser, on a laptop."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Cost report",
                    "redirect_uris": ["https://report.example/callback"],
                    "permissions": ["usage:read"],
                    "confidential": True,
                }
            ]
        }
    )

    name: Name
    redirect_uris: Annotated[list[RedirectUri], Field(min_length=1, max_length=10)] = Field(
        description="Each as it will be asked for, to the letter: https, or http to this machine (127.0.0.1, [::1])."
    )
    permissions: Annotated[list[Permission], Field(max_length=100)] = Field(
        [], description="The most that it can be given; somebody who allows it less gives less."
    )
    confidential: bool = True


class ApplicationOut(Model):
    """An application; `client_id` is its id."""

    id: UUID
    client_id: UUID
    name: str
    redirect_uris: list[str]
    permissions: list[Permission]
    confidential: bool
    created_by: UUID
    created_at: datetime

    @classmethod
    def of(cls, application: Application) -> Self:
        """Show an application."""
        shown = application.model_dump(exclude={"org_id", "secret_hash"})
        return cls(**shown, client_id=application.id, confidential=application.confidential)


class RegisteredApplicationOut(ApplicationOut):
    """An application that was just registered: this is the only time that its secret is shown."""

    client_secret: str | None = Field(repr=False, description="None for a public client.")

    @classmethod
    def of_registered(cls, application: Application, secret: str | None) -> Self:
        """Show a new application with its secret."""
        return cls(**ApplicationOut.of(application).model_dump(), client_secret=secret)


class ApplicationsOut(Model):
    """The organization's applications, the newest first."""

    data: list[ApplicationOut]


class GrantedTokensOut(Model):
    """Tokens (RFC 6749, section 5.1)."""

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - no password
    expires_in: int = Field(description="Seconds until the access token expires.")
    scope: str
    refresh_token: str | None = Field(None, repr=False)
    id_token: str | None = Field(None, repr=False)

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        """Show tokens."""
        return cls(
            access_token=tokens.access_token,
            expires_in=int(tokens.expires_in.total_seconds()),
            scope=" ".join(sorted(tokens.scope)),
            refresh_token=tokens.refresh_token,
            id_token=tokens.id_token,
        )


class TokenFactsOut(Model):
    """What a token is worth (RFC 7662, section 2.2). Of one that is worth nothing there is only `active`."""

    active: bool
    scope: str | None = None
    client_id: UUID | None = None
    token_type: Literal["Bearer"] | None = None
    sub: UUID | None = None
    org_id: UUID | None = None
    aud: str | None = None
    iss: str | None = None
    iat: int | None = None
    exp: int | None = None
    jti: UUID | None = None

    @classmethod
    def of(cls, facts: TokenFacts | None, issuer: str) -> Self:
        """Show what a token is worth."""
        if facts is None:
            return cls(active=False)
        return cls(
            active=True,
            scope=" ".join(sorted(facts.scope)),
            client_id=facts.client_id,
            token_type="Bearer" if facts.audience is not None else None,
            sub=facts.subject,
            org_id=facts.org_id,
            aud=facts.audience,
            iss=issuer,
            iat=int(facts.issued_at.timestamp()),
            exp=int(facts.expires_at.timestamp()),
            jti=facts.id,
        )


class UserInfo(Model):
    """Who somebody is, as far as they let the application know (OpenID Connect Core, section 5.3)."""

    sub: UUID
    name: str | None = None
    email: str | None = None
    email_verified: bool | None = None

    @classmethod
    def of(cls, identity: Profile, scope: frozenset[str]) -> Self:
        """Show what the scope has; nobody is a user with an address that they did not show to be theirs."""
        mail = EMAIL in scope
        return cls(
            sub=identity.user_id,
            name=identity.name if PROFILE in scope else None,
            email=identity.email if mail else None,
            email_verified=True if mail else None,
        )


class Metadata(Model):
    """What clients need to know of this server (RFC 8414, OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    claims_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    response_types_supported: Sequence[str] = ("code",)
    response_modes_supported: Sequence[str] = ("query",)
    code_challenge_methods_supported: Sequence[str] = ("S256",)
    subject_types_supported: Sequence[str] = ("public",)
    id_token_signing_alg_values_supported: Sequence[str] = ("ES256",)
    prompt_values_supported: Sequence[str] = ("login", "consent", "select_account")
    authorization_response_iss_parameter_supported: bool = True
    claims_parameter_supported: bool = False
    request_parameter_supported: bool = False
    request_uri_parameter_supported: bool = False

    @classmethod
    def at(cls, issuer: str) -> Self:
        """The server at an address."""
        secrets = ["client_secret_basic", "client_secret_post"]
        return cls(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/oauth2/authorize",
            token_endpoint=f"{issuer}/oauth2/token",
            introspection_endpoint=f"{issuer}/oauth2/introspect",
            revocation_endpoint=f"{issuer}/oauth2/revoke",
            userinfo_endpoint=f"{issuer}/oauth2/userinfo",
            jwks_uri=f"{issuer}/.well-known/jwks.json",
            scopes_supported=["openid", PROFILE, EMAIL, *sorted(Permission)],
            claims_supported=[
                "sub",
                "iss",
                "aud",
                "iat",
                "exp",
                "auth_time",
                "nonce",
                "name",
                "email",
                "email_verified",
            ],
            grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported=[*secrets, "none"],
            revocation_endpoint_auth_methods_supported=[*secrets, "none"],
            introspection_endpoint_auth_methods_supported=secrets,
        )
