"""Bodies about an organization's members, invitations and projects."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from auth.fields import Budget, Email, Name
from auth.organizations.models import Invitation, JoinedOrganization, Member, Project
from llmo_auth.principal import Role
from llmo_core.model import Model
from llmo_core.money import Usd


class OrganizationOut(Model):
    """An organization that the caller is in, and as what."""

    id: UUID
    name: str
    role: Role

    @classmethod
    def of(cls, organization: JoinedOrganization) -> Self:
        """Show an organization."""
        return cls(**organization.model_dump())


class OrganizationsOut(Model):
    """The caller's organizations, the oldest first."""

    data: list[OrganizationOut]


class MemberOut(Model):
    """A person in the organization."""

    user_id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, member: Member) -> Self:
        """Show a member."""
        return cls(**member.model_dump())


class MembersOut(Model):
    """The members, the one who joined first at the beginning."""

    data: list[MemberOut]


class Join(Model):
    """The token of a mailed invitation."""

    model_config = ConfigDict(hide_input_in_errors=True)

    invitation_token: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(repr=False)


class ChangeRole(Model):
    """What a member shall be."""

    role: Role


class Invite(Model):
    """Whom to ask to join, and as what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "grace@example.com", "role": "developer"}]})

    email: Email
    role: Role = Role.DEVELOPER


class InvitationOut(Model):
    """An invitation; its token is in the mail only."""

    id: UUID
    email: str
    role: Role
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
