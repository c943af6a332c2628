"""Accounts: everything that a new customer starts with."""

from uuid import UUID

from auth.api_keys.models import StoredKey
from auth.organizations.models import Organization, Project
from auth.sign_in.models import Profile
from llmo_core.errors import Conflict
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class User(Model):
    """A person, who may be a member of several organizations."""

    id: UUID
    email: str
    password_hash: str
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


class EmailTaken(Conflict):
    """Somebody with this e-mail address exists already, and owns no organization."""
