"""Bodies of signing in with identity providers, and of one's identities."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.federation.models import Answer, Begun, Identity, IdentityProvider, Kind
from auth.fields import OpaqueToken
from llmo_core.model import Model

LONGEST_CODE = 1800
VISIBLE = r"^[ -~]*$"
type ProviderId = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[!-~]+$")]
type _Redirected = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CODE, pattern=VISIBLE)]


class ProviderOut(Model):
    """Where people may sign in."""

    id: str
    kind: Kind
    name: str

    @classmethod
    def of(cls, provider: IdentityProvider) -> Self:
        """Show a provider."""
        return cls(id=provider.id, kind=provider.kind, name=provider.name)


class ProvidersOut(Model):
    """Every provider, in the operator's order."""

    data: list[ProviderOut]


class BegunOut(Model):
    """Where to send the person, and the token to show afterwards; keep it where no other page or app can read it."""

    authorization_url: str = Field(repr=False)
    flow_token: str = Field(repr=False)

    @classmethod
    def of(cls, begun: Begun) -> Self:
        """Show what was begun."""
        return cls(authorization_url=begun.authorization_url, flow_token=begun.flow_token)


class RedirectOut(Model):
    """What the provider's redirect brought, to be sent on by whoever has the `flow_token`."""

    code: str | None = Field(repr=False)
    state: str | None = Field(repr=False)
    iss: str | None
    error: str | None = Field(description="The provider's reason for giving no code.")


class FederatedAnswer(Model):
    """What the provider's redirect brought, and the token of the client that began."""

    model_config = ConfigDict(hide_input_in_errors=True)

    code: _Redirected = Field(repr=False)
    state: _Redirected = Field(repr=False)
    flow_token: OpaqueToken = Field(repr=False)
    iss: _Redirected | None = Field(None, description="As the redirect had it (RFC 9207).")

    def answer(self) -> Answer:
        """The same, without what else the body says."""
        return Answer(code=self.code, state=self.state, flow_token=self.flow_token, iss=self.iss)


class FederatedLogin(FederatedAnswer):
    """The same, to sign in."""

    org_id: UUID | None = Field(None, description="What the tokens are for; the organization joined first if left out.")


class StartLinking(Model):
    """Where the identity is that shall be linked."""

    provider: ProviderId


class LinkIdentity(FederatedAnswer):
    """The same, to link an identity."""

    provider: ProviderId


class IdentityOut(Model):
    """An identity that signs in to the caller's account."""

    id: UUID
    provider: str
    issuer: str
    email: str | None = Field(description="As the provider had it when the identity was linked.")
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """Show an identity."""
        return cls(**identity.model_dump(exclude={"user_id", "subject"}))


class IdentitiesOut(Model):
    """The caller's identities, the oldest first."""

    data: list[IdentityOut]
