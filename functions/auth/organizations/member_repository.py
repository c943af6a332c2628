"""Members and invitations in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from auth.models import UnknownOrganization
from auth.organizations.models import Invitation, JoinedOrganization, Member
from auth.rows import name_in
from llmo_data.postgres import Database, insert, one

SELECT_MEMBERS = """
    SELECT member.user_id, person.email, person.name, member.role, member.created_at,
        role.permissions AS role_permissions
    FROM auth.memberships AS member
    JOIN auth.users AS person ON person.id = member.user_id
    LEFT JOIN auth.roles AS role ON role.org_id = member.org_id AND role.name = member.role
    WHERE member.org_id = %(org_id)s
    ORDER BY member.created_at, member.user_id
    """
SELECT_ORGANIZATIONS = """
    SELECT organization.id, organization.name, membership.role
    FROM auth.memberships AS membership
    JOIN auth.organizations AS organization ON organization.id = membership.org_id
    WHERE membership.user_id = %(user_id)s
    ORDER BY organization.id
    """
ADD_MEMBER = """
    INSERT INTO auth.memberships (org_id, user_id, role) VALUES (%(org_id)s, %(user_id)s, %(role)s)
    ON CONFLICT (org_id, user_id) DO NOTHING
    """
LOCK_ORGANIZATION = "SELECT name FROM auth.organizations WHERE id = %(id)s AND closed_at IS NULL FOR UPDATE"
WITHDRAW_ALL = """
    DELETE FROM auth.invitations
    WHERE org_id = %(org_id)s AND (
        invited_by = ANY (%(user_ids)s::uuid[])
        OR invited_by IN (SELECT id FROM auth.api_keys WHERE user_id = ANY (%(user_ids)s::uuid[]))
    )
    RETURNING id
    """
SELECT_INVITATIONS = """
    SELECT id, org_id, token_hash, email, role, invited_by, created_at, expires_at
    FROM auth.invitations
    WHERE org_id = %(org_id)s
    ORDER BY id DESC
    """


class PostgresMembers:
    """Memberships and invitations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, org_id: UUID) -> str:
        """Keep others from changing the organization's members until the transaction ends; gives its name.

        Raises UnknownOrganization, also for a closed one.
        """
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LOCK_ORGANIZATION, id=org_id)
        if row is None:
            raise UnknownOrganization
        return str(row["name"])

    async def all(self, org_id: UUID) -> Sequence[Member]:
        """The members, the one who joined first at the beginning."""
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(SELECT_MEMBERS, {"org_id": org_id})).fetchall()
        return [Member(**row) for row in rows]

    async def of(self, user_id: UUID) -> Sequence[JoinedOrganization]:
        """The organizations of a person, the oldest first."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            rows = await (await connection.execute(SELECT_ORGANIZATIONS, {"user_id": user_id})).fetchall()
        return [JoinedOrganization(**row) for row in rows]

    async def add(self, org_id: UUID, user_id: UUID, role: str) -> bool:
        """Make somebody a member; False when they are one already."""
        async with self._database.transaction(org_id) as connection:
            row = {"org_id": org_id, "user_id": user_id, "role": role}
            return (await connection.execute(ADD_MEMBER, row)).rowcount == 1

    async def set_role(self, org_id: UUID, user_id: UUID, role: str) -> None:
        """Make a member something else."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(
                "UPDATE auth.memberships SET role = %s WHERE org_id = %s AND user_id = %s",
                (role, org_id, user_id),
            )

    async def remove(self, org_id: UUID, user_id: UUID) -> None:
        """Make somebody no member any more."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(
                "DELETE FROM auth.memberships WHERE org_id = %s AND user_id = %s", (org_id, user_id)
            )

    async def invite(self, invitation: Invitation) -> None:
        """Keep an invitation in place of an earlier one of the same address."""
        async with self._database.transaction(invitation.org_id) as connection:
            await connection.execute(
                "DELETE FROM auth.invitations WHERE org_id = %s AND lower(email) = lower(%s)",
                (invitation.org_id, invitation.email),
            )
            await connection.execute(*insert("auth.invitations", invitation.model_dump()))

    async def invitations(self, org_id: UUID) -> Sequence[Invitation]:
        """The invitations, also expired ones, the newest first."""
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(SELECT_INVITATIONS, {"org_id": org_id})).fetchall()
        return [Invitation(**row) for row in rows]

    async def withdraw(self, org_id: UUID, invitation_id: UUID) -> bool:
        """Forget an invitation; False when there is none."""
        async with self._database.transaction(org_id) as connection:
            deleted = await connection.execute("DELETE FROM auth.invitations WHERE id = %s", (invitation_id,))
            return deleted.rowcount == 1

    async def withdraw_all(self, org_id: UUID, user_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Forget the invitations that these members made, themselves or with keys of their own; gives their ids."""
        named = {"org_id": org_id, "user_ids": [*user_ids]}
        async with self._database.transaction(org_id) as connection:
            rows = await (await connection.execute(WITHDRAW_ALL, named)).fetchall()
        return [row["id"] for row in rows]
