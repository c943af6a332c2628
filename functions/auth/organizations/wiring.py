"""The use cases of organizations with their adapters."""

from auth import wiring as shared
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.members import MemberService
from auth.organizations.projects import ProjectService
from auth.organizations.repository import PostgresMembers, PostgresProjects
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def member_service() -> MemberService:
    """The use cases of members and invitations."""
    return MemberService(
        members=PostgresMembers(shared.database()),
        people=shared.people(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.outbox(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def project_service() -> ProjectService:
    """The use cases of projects."""
    return ProjectService(
        projects=PostgresProjects(shared.database()),
        events=shared.outbox(),
        transaction=shared.database().transaction,
        new_id=new_id,
    )
