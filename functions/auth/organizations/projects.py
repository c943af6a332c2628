"""The projects of an organization."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from auth.organizations.models import Project, ProjectCreated
from llmo_auth.principal import Principal
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Projects(Protocol):
    """Projects; every method is limited to the organization it names."""

    async def all(self, org_id: UUID) -> Sequence[Project]:
        """The projects by name."""
        ...

    async def add(self, project: Project) -> None:
        """Keep a new project. Raises ProjectNameTaken."""
        ...


class ProjectService:
    """Creates and lists projects."""

    def __init__(self, *, projects: Projects, events: Events, transaction: Transaction, new_id: NewId) -> None:
        self._projects = projects
        self._events = events
        self._transaction = transaction
        self._new_id = new_id

    async def all(self, principal: Principal) -> Sequence[Project]:
        """The projects of the caller's organization, by name."""
        return await self._projects.all(principal.org_id)

    async def create(self, principal: Principal, *, name: str, monthly_budget_usd: Decimal | None) -> Project:
        """Create a project. Raises ProjectNameTaken."""
        org_id = principal.org_id
        project = Project(id=self._new_id(), org_id=org_id, name=name, monthly_budget_usd=monthly_budget_usd)
        async with self._transaction(org_id):
            await self._projects.add(project)
            created = ProjectCreated(project_id=project.id, name=name)
            await self._events.announce(created, org_id=org_id, aggregate_id=project.id)
        return project
