"""Registrations and password resets in PostgreSQL; see auth.rows for how a transaction names whose rows."""

from collections.abc import Sequence
from uuid import UUID

from auth.organizations.models import Organization, Project
from auth.organizations.repository import add_organization
from auth.registration.models import NewUser, PasswordReset, Registration
from auth.rows import name_in
from auth.sign_in.repository import INSERT_USER
from llmo_data.postgres import Database, insert, one

SELECT_REGISTRATION = """
    SELECT id, token_hash, email, password_hash, name, organization, created_at, expires_at
    FROM auth.registrations
    """
TAKE_RESET = "DELETE FROM auth.password_resets WHERE token_hash = %(token_hash)s AND user_id = %(user_id)s"
FIND_RESET = """
    SELECT token_hash, user_id, created_at, expires_at FROM auth.password_resets WHERE token_hash = %(token_hash)s
    """


class PostgresRegistrations:
    """Registrations that wait for their address to be verified."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, registration: Registration) -> None:
        """Keep a registration beside any others of the same address."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", registration.email)
            await connection.execute(*insert("auth.registrations", registration.model_dump()))

    async def pending(self, email: str) -> Sequence[Registration]:
        """The registrations of an address, the newest first, also those whose token has expired."""
        statement = f"{SELECT_REGISTRATION} WHERE lower(email) = lower(%(email)s) ORDER BY id DESC LIMIT 100"
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", email)
            rows = await (await connection.execute(statement.encode(), {"email": email})).fetchall()
        return [Registration(**row) for row in rows]

    async def shown(self, token_hash: str) -> Registration | None:
        """The registration that a token stands for."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", token_hash)
            statement = f"{SELECT_REGISTRATION} WHERE token_hash = %(token_hash)s"
            row = await one(connection, statement, token_hash=token_hash)
        return Registration(**row) if row is not None else None

    async def complete(self, user: NewUser, user_id: UUID, organization: Organization, project: Project) -> bool:
        """Make the user with an organization of their own, and forget every registration of the address.

        False, and nothing made, when the address has an account by now.
        """
        row = {**user.model_dump(exclude={"organization"}), "id": user_id}
        async with self._database.transaction(organization.id) as connection:
            await name_in(connection, "app.email", user.email)
            if (await connection.execute(INSERT_USER, row)).rowcount != 1:
                return False
            await add_organization(connection, organization, project, user_id)
            await connection.execute("DELETE FROM auth.registrations WHERE lower(email) = lower(%s)", (user.email,))
        return True


class PostgresPasswordResets:
    """Links that were mailed to people who forgot their password."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, reset: PasswordReset) -> None:
        """Keep a link beside any others of the same user."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", reset.user_id)
            await connection.execute(*insert("auth.password_resets", reset.model_dump()))

    async def shown(self, token_hash: str) -> PasswordReset | None:
        """The reset that a token stands for."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", token_hash)
            row = await one(connection, FIND_RESET, token_hash=token_hash)
        return PasswordReset(**row) if row is not None else None

    async def take(self, reset: PasswordReset) -> bool:
        """Forget a reset and every other one of its user's; False when somebody was faster."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", reset.user_id)
            own = {"token_hash": reset.token_hash, "user_id": reset.user_id}
            taken = await connection.execute(TAKE_RESET, own)
            await connection.execute("DELETE FROM auth.password_resets WHERE user_id = %(user_id)s", own)
        return taken.rowcount == 1
