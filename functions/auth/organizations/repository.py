"""Organizations, their projects and their own roles in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from auth.organizations.models import (
    CustomRole,
    Organization,
    Project,
    ProjectNameTaken,
    RoleInUse,
    RoleNameTaken,
)
from llmo_auth.principal import Role
from llmo_data.postgres import Connection, Database, insert, one

SELECT_ORGANIZATION = "SELECT id, org_ref, name, monthly_budget_usd FROM auth.organizations WHERE id = %(id)s"
SELECT_PROJECT = "SELECT id, org_id, name, monthly_budget_usd FROM auth.projects WHERE id = %(id)s"
CHANGE_ORGANIZATION = """
    UPDATE auth.organizations SET name = %(name)s, monthly_budget_usd = %(monthly_budget_usd)s WHERE id = %(id)s
    """
SELECT_ROLES = "SELECT org_id, name, description, permissions, created_at FROM auth.roles WHERE org_id = %(org_id)s"
CHANGE_ROLE = """
    UPDATE auth.roles SET description = %(description)s, permissions = %(permissions)s
    WHERE org_id = %(org_id)s AND name = %(name)s
    """


class PostgresOrganizations:
    """Organizations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def found(self, organization: Organization, project: Project, owner_id: UUID) -> None:
        """Keep a new organization with its first project and its owner."""
        async with self._database.transaction(organization.id) as connection:
            await add_organization(connection, organization, project, owner_id)

    async def find(self, org_id: UUID) -> Organization | None:
        """The organization unless it is closed, locked until the transaction ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, f"{SELECT_ORGANIZATION} AND closed_at IS NULL FOR UPDATE", id=org_id)
        return Organization(**row) if row is not None else None

    async def look(self, org_id: UUID) -> Organization | None:
        """The organization as it is."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, SELECT_ORGANIZATION, id=org_id)
        return Organization(**row) if row is not None else None

    async def change(self, organization: Organization) -> None:
        """Replace an organization's name and budget."""
        async with self._database.transaction(organization.id) as connection:
            await connection.execute(CHANGE_ORGANIZATION, organization.model_dump())

    async def project(self, org_id: UUID, project_id: UUID) -> Project | None:
        """One of the organization's projects."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, SELECT_PROJECT, id=project_id)
        return Project(**row) if row is not None else None


async def add_organization(
    connection: Connection, organization: Organization, project: Project, owner_id: UUID
) -> None:
    """Insert an organization with its first project and its owner, in a transaction that is limited to it."""
    membership = {"org_id": organization.id, "user_id": owner_id, "role": Role.OWNER.value}
    await connection.execute(*insert("auth.organizations", organization.model_dump()))
    await connection.execute(*insert("auth.projects", project.model_dump()))
    await connection.execute(*insert("auth.memberships", membership))


class PostgresRoles:
    """Roles of organizations' own making."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, org_id: UUID) -> Sequence[CustomRole]:
        """The roles by name."""
        async with self._database.transaction(org_id) as connection:
            rows = await (
                await connection.execute(f"{SELECT_ROLES} ORDER BY name".encode(), {"org_id": org_id})
            ).fetchall()
        return [CustomRole(**row) for row in rows]

    async def find(self, org_id: UUID, name: str) -> CustomRole | None:
        """The role, locked until the transaction ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, f"{SELECT_ROLES} AND name = %(name)s FOR UPDATE", org_id=org_id, name=name)
        return CustomRole(**row) if row is not None else None

    async def add(self, role: CustomRole) -> None:
        """Keep a new role. Raises RoleNameTaken."""
        try:
            async with self._database.transaction(role.org_id) as connection:
                await connection.execute(*insert("auth.roles", _role_row(role)))
        except UniqueViolation as error:
            raise RoleNameTaken from error

    async def change(self, role: CustomRole) -> None:
        """Replace a role's description and permissions."""
        async with self._database.transaction(role.org_id) as connection:
            await connection.execute(CHANGE_ROLE, _role_row(role))

    async def members(self, org_id: UUID, name: str) -> Sequence[UUID]:
        """Who has the role."""
        statement = "SELECT user_id FROM auth.memberships WHERE org_id = %s AND role = %s"
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(statement, (org_id, name))).fetchall()
        return [row["user_id"] for row in rows]

    async def remove(self, org_id: UUID, name: str) -> None:
        """Forget a role. Raises RoleInUse."""
        try:
            async with self._database.transaction(org_id) as connection:
                await connection.execute("DELETE FROM auth.roles WHERE org_id = %s AND name = %s", (org_id, name))
        except ForeignKeyViolation as error:
            raise RoleInUse from error


def _role_row(role: CustomRole) -> dict[str, object]:
    return {**role.model_dump(), "permissions": sorted(role.permissions)}


class PostgresProjects:
    """Projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, org_id: UUID) -> Sequence[Project]:
        """The projects by name."""
        statement = "SELECT id, org_id, name, monthly_budget_usd FROM auth.projects ORDER BY name, id"
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(statement)).fetchall()
        return [Project(**row) for row in rows]

    async def add(self, project: Project) -> None:
        """Keep a new project. Raises ProjectNameTaken."""
        try:
            async with self._database.transaction(project.org_id) as connection:
                await connection.execute(*insert("auth.projects", project.model_dump()))
        except UniqueViolation as error:
            raise ProjectNameTaken from error
