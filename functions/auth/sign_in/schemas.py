"""Bodies of signing in and out."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.fields import Email, OpaqueToken
from auth.sign_in.models import Session, TokenPair
from auth.sign_in.service import Which
from llmo_core.model import Model

type _Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Login(Model):
    """An e-mail address with its password."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse battery staple"}]},
    )

    email: Email
    password: _Password = Field(repr=False)
    org_id: UUID | None = Field(None, description="What the tokens are for; the organization joined first if left out.")


class Refresh(Model):
    """A refresh token, which this uses up."""

    model_config = ConfigDict(hide_input_in_errors=True)

    refresh_token: OpaqueToken = Field(repr=False)
    org_id: UUID | None = Field(None, description="Makes the session one of this organization.")


class Logout(Model):
    """Which sessions shall end."""

    sessions: Which = Which.THIS


class TokensOut(Model):
    """An access token for the `Authorization` header, and the refresh token that gets the next one."""

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - no password
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str = Field(repr=False)

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        """Show a pair."""
        return cls(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            expires_in=int(pair.expires_in.total_seconds()),
        )


class SessionOut(Model):
    """Where somebody is signed in; `current` marks the session that asks.

    A session with a `client_id` is that of an application, which acts for the person within `scope`.
    """

    id: UUID
    org_id: UUID | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    client_id: UUID | None
    scope: list[str] | None
    current: bool

    @classmethod
    def of(cls, session: Session, *, current: UUID | None) -> Self:
        """Show a session."""
        shown = session.model_dump(exclude={"user_id", "authenticated_at", "revoked_at"})
        return cls(**shown, current=session.id == current)


class SessionsOut(Model):
    """The caller's sessions, the newest first."""

    data: list[SessionOut]


class KeySet(Model):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]
