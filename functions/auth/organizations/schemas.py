"""Bodies about an organization's members, invitations and projects."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.fields import Email, OpaqueToken
from auth.organizations.models import CustomRole, Invitation, JoinedOrganization, Member, Organization, Project
from llmo_auth.principal import PERMISSIONS_OF, Permission, Role
from llmo_core.fields import Budget, Name
from llmo_core.model import Model
from llmo_core.money import Usd

type RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class CreateOrganization(Model):
    """A new organization."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme"}]})

    name: Name


class ChangeOrganization(Model):
    """What to change; what is left out stays. A budget of null is no limit."""

    name: Name | None = None
    monthly_budget_usd: Budget | None = None


class OrganizationOut(Model):
    """An organization. `org_ref` is its short name in API keys."""

    id: UUID
    org_ref: str
    name: str
    monthly_budget_usd: Usd | None

    @classmethod
    def of(cls, organization: Organization) -> Self:
        """Show an organization."""
        return cls(**organization.model_dump())


class JoinedOrganizationOut(Model):
    """An organization that the caller is in, and as what."""

    id: UUID
    name: str
    role: str

    @classmethod
    def of(cls, organization: JoinedOrganization) -> Self:
        """Show an organization."""
        return cls(**organization.model_dump())


class OrganizationsOut(Model):
    """The caller's organizations, the oldest first."""

    data: list[JoinedOrganizationOut]


class MemberOut(Model):
    """A person in the organization."""

    user_id: UUID
    email: str
    name: str
    role: str
    created_at: datetime

    @classmethod
    def of(cls, member: Member) -> Self:
        """Show a member."""
        return cls(**member.model_dump(exclude={"role_permissions"}))


class MembersOut(Model):
    """The members, the one who joined first at the beginning."""

    data: list[MemberOut]


class Join(Model):
    """The token of a mailed invitation."""

    model_config = ConfigDict(hide_input_in_errors=True)

    invitation_token: OpaqueToken = Field(repr=False)


class ChangeMember(Model):
    """What a member shall be."""

    role: RoleName


class Invite(Model):
    """Whom to ask to join, and as what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "grace@example.com", "role": "developer"}]})

    email: Email
    role: RoleName = "developer"


class InvitationOut(Model):
    """An invitation; its token is in the mail only."""

    id: UUID
    email: str
    role: str
    invited_by: UUID
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Show an invitation."""
        return cls(**invitation.model_dump(exclude={"org_id", "token_hash"}))


class InvitationsOut(Model):
    """The invitations, also expired ones, the newest first."""

    data: list[InvitationOut]


class CreateProject(Model):
    """A new part of the organization."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Checkout", "monthly_budget_usd": "250.00"}]})

    name: Name
    monthly_budget_usd: Budget | None = None


class ProjectOut(Model):
    """A part of the organization."""

    id: UUID
    name: str
    monthly_budget_usd: Usd | None

    @classmethod
    def of(cls, project: Project) -> Self:
        """Show a project."""
        return cls(**project.model_dump(exclude={"org_id"}))


class ProjectsOut(Model):
    """The projects by name."""

    data: list[ProjectOut]


class CreateRole(Model):
    """A role made of permissions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "auditor", "description": "Reads everything", "permissions": ["usage:read", "audit:read"]}
            ]
        }
    )

    name: RoleName
    description: Name | None = None
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=100)]


class ChangeRole(Model):
    """What to change; what is left out stays."""

    description: Name | None = None
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=100)] | None = None


class RoleOut(Model):
    """A role: `custom` when the organization made it itself."""

    name: str
    description: str | None
    permissions: list[str]
    custom: bool

    @classmethod
    def of(cls, role: CustomRole) -> Self:
        """Show a role of an organization's own making."""
        return cls(name=role.name, description=role.description, permissions=sorted(role.permissions), custom=True)

    @classmethod
    def of_every(cls) -> list[Self]:
        """The roles that every organization has, the mightiest first."""
        return [
            cls(name=role, description=_DESCRIPTIONS[role], permissions=sorted(PERMISSIONS_OF[role]), custom=False)
            for role in Role
        ]


class RolesOut(Model):
    """The roles that every organization has, and this one's own by name."""

    data: list[RoleOut]


_DESCRIPTIONS = {
    Role.OWNER: "May do everything, also close the organization.",
    Role.ADMIN: "May do everything but change or close the organization itself.",
    Role.DEVELOPER: "Calls models, sees how they are set up, and manages API keys.",
    Role.BILLING: "Sees usage, sets budgets and limits, and pays.",
    Role.VIEWER: "Sees everything but the audit log, and changes nothing.",
}
