"""Bodies about oneself, and the payload of the bootstrap invocation."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.accounts.models import Me
from auth.fields import Email, OpaqueToken
from auth.organizations.models import Organization, Project
from auth.sign_in.models import Profile
from llmo_auth.principal import ActorType, Person, Principal
from llmo_core.fields import Budget, Name
from llmo_core.model import Model


class Bootstrap(Model):
    """The first organization of a deployment."""

    model_config = ConfigDict(hide_input_in_errors=True)  # Lambda logs what a refused invocation raised

    organization: Name
    project: Name = "Default"
    email: Email
    password: Annotated[str, StringConstraints(min_length=12, max_length=1024)] = Field(repr=False)
    monthly_budget_usd: Budget | None = None


class NamedOut(Model):
    """Something with a name."""

    id: UUID
    name: str


class UserOut(Model):
    """A person."""

    id: UUID
    email: str
    name: str

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Show a profile."""
        return cls(id=profile.user_id, email=profile.email, name=profile.name)


class Rename(Model):
    """What somebody wants to be called."""

    name: Name


class ChangeEmail(Model):
    """The address that the account shall have."""

    email: Email


class ConfirmEmail(Model):
    """The token that was mailed to the new address."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: OpaqueToken = Field(repr=False)


class MeOut(Model):
    """Who the caller is, and what it may do."""

    actor_type: ActorType
    actor_id: UUID
    permissions: list[str]
    organization: NamedOut | None = Field(description="Null for somebody who is in none.")
    project: NamedOut | None
    user: UserOut | None = Field(description="Null for an API key.")

    @classmethod
    def of(cls, caller: Principal | Person, me: Me) -> Self:
        """Describe a caller by the names behind it."""
        return cls(
            actor_type=caller.actor_type,
            actor_id=caller.actor_id,
            permissions=sorted(caller.permissions) if isinstance(caller, Principal) else [],
            organization=_named(me.organization),
            project=_named(me.project),
            user=UserOut.of(me.user) if me.user is not None else None,
        )


def _named(of: Organization | Project | None) -> NamedOut | None:
    return NamedOut(id=of.id, name=of.name) if of is not None else None
