"""Registrations and password resets in PostgreSQL; see sign_in_repository for how a transaction names whose rows."""

from uuid import UUID

from auth.organizations.models import Organization, Project
from auth.organizations.repository import add_organization
from auth.registration.models import NewUser, PasswordReset, Registration
from auth.rows import name_in, one
from auth.sign_in.repository import INSERT_USER
from llmo_data.postgres import Database, insert

SELECT_REGISTRATION = """
    SELECT id, token_hash, email, password_hash, name, organization, created_at, expires_at
    FROM auth.registrations
    """
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

    async def latest(self, email: str) -> Registration | None:
        """The newest registration of an address, also when its token has expired."""
        statement = f"{SELECT_REGISTRATION} WHERE lower(email) = lower(%(email)s) ORDER BY id DESC LIMIT 1"
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", email)
            row = await one(connection, statement, email=email)
        return Registration(**row) if row is not None else None

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

    async def take(self, token_hash: str) -> PasswordReset | None:
        """The reset that a token stands for, and forget every one of its user's: of two at once, one gets it."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", token_hash)
            row = await one(connection, FIND_RESET, token_hash=token_hash)
            if row is None:
                return None
            await name_in(connection, "app.user_id", row["user_id"])
            # Two that show the same token meet here: the second one waits, and finds nothing left to delete.
            deleted = await connection.execute("DELETE FROM auth.password_resets WHERE token_hash = %s", (token_hash,))
            if deleted.rowcount != 1:
                return None
            await connection.execute("DELETE FROM auth.password_resets WHERE user_id = %s", (row["user_id"],))
        return PasswordReset(**row)
