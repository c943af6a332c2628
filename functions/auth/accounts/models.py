"""Accounts: everything that a new customer starts with."""

from uuid import UUID

from auth.api_keys.models import StoredKey
from auth.organizations.models import Organization, Project
from llmo_core.errors import Conflict
from llmo_core.model import Model


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


class EmailTaken(Conflict):
    """Somebody with this e-mail address exists already, and owns no organization."""
