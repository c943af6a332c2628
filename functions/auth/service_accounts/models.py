"""Service accounts and their secrets, and what can go wrong with them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field

from llmo_auth.principal import Permission
from llmo_core.errors import Conflict, Forbidden, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_SECRETS = 2  # the old one and the new one, while programs change over


class AccountSecret(Model):
    """A secret as it is kept: its digest and its last characters, never its text."""

    id: UUID
    account_id: UUID
    org_id: UUID
    secret_hash: str = Field(repr=False)
    hint: str
    created_at: datetime


class ServiceAccount(Model):
    """A program of an organization. Its id is its OAuth client id."""

    id: UUID
    org_id: UUID
    name: str
    permissions: Sequence[Permission]
    created_by: UUID
    created_at: datetime
    disabled_at: datetime | None = None
    secrets: Sequence[AccountSecret] = ()


class IssuedSecret(Model):
    """A secret that was just made, with its text: the only time that it is seen."""

    secret: AccountSecret
    text: str = Field(repr=False)


class ServiceAccountCreated(Event, name="llmo.auth.service_account.created"):
    """A program may call the API for the organization."""

    account_id: UUID
    name: str
    permissions: Sequence[Permission]
    created_by: UUID


class ServiceAccountSecretAdded(Event, name="llmo.auth.service_account.secret_added"):
    """Another secret of a service account, by its last characters."""

    account_id: UUID
    secret_id: UUID
    hint: str


class ServiceAccountSecretRevoked(Event, name="llmo.auth.service_account.secret_revoked"):
    """A secret of a service account is worthless."""

    account_id: UUID
    secret_id: UUID


class ServiceAccountDisabled(Event, name="llmo.auth.service_account.disabled"):
    """A service account gets no more tokens, and those that it has are refused."""

    account_id: UUID
    disabled_by: UUID


class UnknownServiceAccount(NotFound):
    """The organization has no service account with this id, or it is disabled."""


class UnknownSecret(NotFound):
    """The service account has no secret with this id."""


class TooManySecrets(Conflict):
    """A service account has two secrets at most: revoke one first."""


class PermissionBeyondOwn(Forbidden):
    """Nobody makes an account, or a secret of one, that has permissions which they do not have themselves."""
