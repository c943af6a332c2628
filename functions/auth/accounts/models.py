"""Accounts: everything that a new customer starts with."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import Field

from auth.api_keys.models import StoredKey
from auth.organizations.models import Organization, Project
from auth.sign_in.models import Profile
from llmo_core.errors import Conflict
from llmo_core.model import Model
from llmo_messaging.envelope import Event

EMAIL_CHANGE_LIFE = timedelta(hours=1)


class User(Model):
    """A person, who may be a member of several organizations."""

    id: UUID
    email: str
    password_hash: str = Field(repr=False)
    name: str


class Account(Model):
    """Everything that a new customer starts with."""

    organization: Organization
    project: Project
    owner: User
    key: StoredKey


class AccountIds(Model):
    """Where an account is; `api_key` is the first key's text when it was just created, else None."""

    org_id: UUID
    project_id: UUID
    user_id: UUID
    key_id: UUID
    api_key: str | None = None


class Me(Model):
    """The names behind credentials, for people to read."""

    organization: Organization | None
    project: Project | None
    user: Profile | None


class ProfileChanged(Event, name="llmo.auth.user.changed"):
    """Somebody goes by another name."""

    user_id: UUID
    name: str


class OrganizationClosed(Event, name="llmo.auth.organization.closed"):
    """Nobody gets in any more: members, invitations and keys have ended."""

    org_id: UUID
    name: str


class AccountDeleted(Event, name="llmo.auth.user.deleted"):
    """Somebody deleted their account: tell the address once more. Of the audit log it is kept out."""

    user_id: UUID
    email: str = Field(repr=False)


class EmailChange(Model):
    """An address that somebody wants their account to have."""

    token_hash: str
    user_id: UUID
    email: str
    created_at: datetime
    expires_at: datetime


class EmailChangeRequested(Event, name="llmo.auth.email.change_requested"):
    """Mail the new address a link with the token; whoever is signed in to the account and has it gives it the address.

    `known` says that the address has an account already: then there is no token, and the mail says so.
    """

    user_id: UUID
    email: str
    token: str | None = Field(repr=False)
    expires_at: datetime
    known: bool = Field(repr=False)  # nor does the asker's own log say it


class EmailChanged(Event, name="llmo.auth.email.changed"):
    """An account has another address: tell both."""

    user_id: UUID
    email: str
    previous: str


class EmailTaken(Conflict):
    """Somebody else has an account with this e-mail address."""
