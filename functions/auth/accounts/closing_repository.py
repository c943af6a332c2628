"""What ends with an organization or an account, and what changes of an account, in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.errors import UniqueViolation

from auth.accounts.models import EmailChange, EmailTaken
from auth.rows import name_in
from llmo_data.postgres import Database, insert, one

# A person's rows that nobody needs once they are gone.
_PERSONAL = (
    "email_changes",
    "federation_flows",
    "identities",
    "passkey_challenges",
    "passkeys",
    "password_resets",
    "recovery_codes",
    "second_factor_challenges",
    "totp",
)
ERASE = """
    UPDATE auth.users
    SET email = id || '@deleted.invalid', name = 'Deleted user', password_hash = NULL, deleted_at = %(at)s
    WHERE id = %(user_id)s
    """
FORGET_ORIGINS = "UPDATE auth.sessions SET ip = NULL, user_agent = NULL WHERE user_id = %s"
CLOSE = (
    """
    UPDATE auth.organizations SET closed_at = %(at)s, last_owners = (
        SELECT array_agg(user_id ORDER BY user_id) FROM auth.memberships WHERE org_id = %(org_id)s AND role = 'owner'
    ) WHERE id = %(org_id)s
    """,
    "DELETE FROM auth.memberships WHERE org_id = %(org_id)s",
    "DELETE FROM auth.invitations WHERE org_id = %(org_id)s",
    "UPDATE auth.service_accounts SET disabled_at = %(at)s WHERE org_id = %(org_id)s AND disabled_at IS NULL",
)
TAKE_CHANGE = """
    DELETE FROM auth.email_changes WHERE user_id = %(user_id)s AND token_hash = %(token_hash)s
    RETURNING token_hash, user_id, email, created_at, expires_at
    """


class PostgresClosings:
    """What ends with an organization or an account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def close(self, org_id: UUID, at: datetime) -> None:
        """Mark an organization as closed, forget its members and invitations, and disable its service accounts.

        Who owned it is kept by id, for what they are still to be told.
        """
        async with self._database.transaction(org_id) as connection:
            for statement in CLOSE:
                await connection.execute(statement, {"org_id": org_id, "at": at})

    async def erase(self, user_id: UUID, at: datetime) -> None:
        """Forget who somebody was, and everything that they could sign in with."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            for table in _PERSONAL:
                statement = sql.SQL("DELETE FROM {} WHERE user_id = %s").format(sql.Identifier("auth", table))
                await connection.execute(statement, (user_id,))
            await connection.execute(FORGET_ORIGINS, (user_id,))
            await connection.execute(ERASE, {"user_id": user_id, "at": at})


class PostgresEmailChanges:
    """Addresses that people want their accounts to have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, user_id: UUID) -> None:
        """Forget a user's earlier wishes."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            await connection.execute("DELETE FROM auth.email_changes WHERE user_id = %s", (user_id,))

    async def add(self, change: EmailChange) -> None:
        """Keep a wish."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", change.user_id)
            await connection.execute(*insert("auth.email_changes", change.model_dump()))

    async def take(self, user_id: UUID, token_hash: str) -> EmailChange | None:
        """A user's wish that a token stands for, and forget it: of two at once, one gets it."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.user_id", user_id)
            row = await one(connection, TAKE_CHANGE, user_id=user_id, token_hash=token_hash)
        return EmailChange(**row) if row is not None else None

    async def set_email(self, user_id: UUID, email: str) -> None:
        """Give an account another address, and forget the resets that were mailed to the old one. Raises EmailTaken."""
        try:
            async with self._database.transaction() as connection:
                await name_in(connection, "app.user_id", user_id)
                await connection.execute("UPDATE auth.users SET email = %s WHERE id = %s", (email, user_id))
                await connection.execute("DELETE FROM auth.password_resets WHERE user_id = %s", (user_id,))
        except UniqueViolation as error:
            raise EmailTaken from error
