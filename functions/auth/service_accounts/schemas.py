"""Bodies about service accounts."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from auth.service_accounts.models import AccountSecret, IssuedSecret, ServiceAccount
from llmo_auth.principal import Permission
from llmo_core.fields import Name
from llmo_core.model import Model


class CreateServiceAccount(Model):
    """A new service account."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Nightly report", "permissions": ["usage:read"]}]}
    )

    name: Name
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=100)]


class SecretOut(Model):
    """A secret without its text; `hint` is the text's last four characters."""

    id: UUID
    hint: str
    created_at: datetime

    @classmethod
    def of(cls, secret: AccountSecret) -> Self:
        """Show a secret."""
        return cls(id=secret.id, hint=secret.hint, created_at=secret.created_at)


class IssuedSecretOut(SecretOut):
    """A secret that was just made: this is the only time that its text is shown."""

    client_secret: str = Field(repr=False)

    @classmethod
    def of_issued(cls, issued: IssuedSecret) -> Self:
        """Show a new secret with its text."""
        return cls(**SecretOut.of(issued.secret).model_dump(), client_secret=issued.text)


class ServiceAccountOut(Model):
    """A service account; `client_id` with a secret gets it tokens at `/oauth2/token`."""

    id: UUID
    client_id: UUID
    name: str
    permissions: list[Permission]
    created_by: UUID
    created_at: datetime
    disabled_at: datetime | None
    secrets: list[SecretOut]

    @classmethod
    def of(cls, account: ServiceAccount) -> Self:
        """Show an account."""
        shown = account.model_dump(exclude={"org_id", "secrets"})
        return cls(**shown, client_id=account.id, secrets=[SecretOut.of(secret) for secret in account.secrets])


class CreatedServiceAccountOut(ServiceAccountOut):
    """A service account that was just created: this is the only time that its first secret is shown."""

    client_secret: str = Field(repr=False)

    @classmethod
    def of_created(cls, account: ServiceAccount, issued: IssuedSecret) -> Self:
        """Show a new account with its secret."""
        return cls(**ServiceAccountOut.of(account).model_dump(), client_secret=issued.text)


class ServiceAccountsOut(Model):
    """The organization's service accounts, the newest first."""

    data: list[ServiceAccountOut]
