"""Members, invitations and projects of an organization, what is announced of them, and what can go wrong."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import Field

from llmo_auth.principal import permissions_of
from llmo_core.errors import Conflict, Forbidden, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

INVITATION_LIFE = timedelta(days=7)


class Organization(Model):
    """A tenant. `org_ref` is its short name in API keys and in Redis."""

    id: UUID
    org_ref: str
    name: str
    monthly_budget_usd: Decimal | None = None


class Project(Model):
    """A part of an organization; every API key belongs to one."""

    id: UUID
    org_id: UUID
    name: str
    monthly_budget_usd: Decimal | None = None


class CustomRole(Model):
    """A role that an organization made of permissions."""

    org_id: UUID
    name: str
    description: str | None
    permissions: frozenset[str]
    created_at: datetime


class Member(Model):
    """A person in an organization.

    Attributes:
        role_permissions: Of a role that the organization made itself.
    """

    user_id: UUID
    email: str
    name: str
    role: str
    role_permissions: frozenset[str] | None
    created_at: datetime

    @property
    def permissions(self) -> frozenset[str]:
        """What they may do."""
        return permissions_of(self.role, self.role_permissions)


class Invitation(Model):
    """Somebody who was asked to join."""

    id: UUID
    org_id: UUID
    token_hash: str
    email: str
    role: str
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


class JoinedOrganization(Model):
    """An organization that a person is in, and as what."""

    id: UUID
    name: str
    role: str


class OrganizationCreated(Event, name="llmo.auth.organization.created"):
    """A new customer, with its owner."""

    org_id: UUID
    name: str
    owner_id: UUID


class OrganizationChanged(Event, name="llmo.auth.organization.changed"):
    """Another name or budget."""

    org_id: UUID
    name: str
    monthly_budget_usd: Decimal | None


class RoleCreated(Event, name="llmo.auth.role.created"):
    """A new role of an organization's own."""

    name: str
    permissions: tuple[str, ...]


class RoleChanged(Event, name="llmo.auth.role.changed"):
    """Whoever has this role may do something else now."""

    name: str
    permissions: tuple[str, ...]
    previous: tuple[str, ...]


class RoleRemoved(Event, name="llmo.auth.role.removed"):
    """A role that nobody had any more."""

    name: str


class MemberInvited(Event, name="llmo.auth.member.invited"):
    """Mail this address a link with the token: its owner, signed in, may join."""

    invitation_id: UUID
    email: str
    organization: str
    role: str
    token: str = Field(repr=False)
    expires_at: datetime


class MemberJoined(Event, name="llmo.auth.member.joined"):
    """An invitation was accepted."""

    user_id: UUID
    email: str
    role: str


class InvitationWithdrawn(Event, name="llmo.auth.member.invitation_withdrawn"):
    """An invitation's link is worthless."""

    invitation_id: UUID


class MemberRoleChanged(Event, name="llmo.auth.member.role_changed"):
    """A member is something else now."""

    user_id: UUID
    role: str
    previous: str


class MemberRemoved(Event, name="llmo.auth.member.removed"):
    """A member left, or was made to."""

    user_id: UUID
    left: bool


class ProjectCreated(Event, name="llmo.auth.project.created"):
    """A new part of an organization."""

    project_id: UUID
    name: str


class UnknownMember(NotFound):
    """The organization has no member with this id."""


class UnknownInvitation(NotFound):
    """The organization has no invitation with this id."""


class UnknownRole(NotFound):
    """The organization has no role of its own with this name."""


class NoSuchRole(Invalid):
    """The organization has no role with this name."""


class RoleNameTaken(Conflict):
    """There is a role of this name already."""


class RoleInUse(Conflict):
    """Members or invitations have this role: give them another one first."""


class AlreadyAMember(Conflict):
    """This person is a member already."""


class ProjectNameTaken(Conflict):
    """The organization has a project of this name already."""


class LastOwner(Conflict):
    """An organization needs an owner: make somebody else one first."""


class RoleBeyondOwn(Forbidden):
    """Nobody can give or take a role that may do more than they may themselves."""
