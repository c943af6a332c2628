"""The use cases of organizations with their adapters."""

from auth import wiring as shared
from auth.api_keys.wiring import owned_keys
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.members import MemberService
from auth.organizations.projects import ProjectService
from auth.organizations.repository import PostgresOrganizations, PostgresProjects, PostgresRoles
from auth.organizations.roles import RoleService
from auth.organizations.service import OrganizationService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def member_service() -> MemberService:
    """The use cases of members and invitations."""
    return MemberService(
        members=PostgresMembers(shared.database()),
        roles=PostgresRoles(shared.database()),
        keys=owned_keys(),
        people=shared.people(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def project_service() -> ProjectService:
    """The use cases of projects."""
    return ProjectService(
        projects=PostgresProjects(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        new_id=new_id,
    )


async def organization_service() -> OrganizationService:
    """The use cases of organizations as a whole."""
    return OrganizationService(
        organizations=PostgresOrganizations(shared.database()),
        people=shared.people(),
        events=shared.events(),
        transaction=shared.database().transaction,
        new_id=new_id,
    )


async def role_service() -> RoleService:
    """The use cases of roles."""
    return RoleService(
        roles=PostgresRoles(shared.database()),
        invitations=PostgresMembers(shared.database()),
        keys=owned_keys(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
