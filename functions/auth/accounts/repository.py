"""Accounts in PostgreSQL."""

from auth.accounts.models import Account, AccountIds, EmailTaken, User
from auth.api_keys.repository import key_row
from auth.organizations.repository import add_organization
from auth.rows import name_in
from auth.sign_in.repository import INSERT_USER
from llmo_data.postgres import Connection, Database, insert, one

SELECT_OWNED = """
    SELECT org_id FROM auth.memberships WHERE user_id = %(user_id)s AND role = 'owner' ORDER BY org_id LIMIT 1
    """
SELECT_FIRST_KEY = """
    SELECT org_id, project_id, created_by AS user_id, id AS key_id
    FROM auth.api_keys
    WHERE created_by = %(user_id)s
    ORDER BY id
    LIMIT 1
    """


class PostgresAccounts:
    """Organizations with their owners in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owned_by(self, email: str) -> AccountIds | None:
        """The account that the user with this e-mail owns. Raises EmailTaken when they own none."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.email", email)
            user = await one(connection, "SELECT id FROM auth.users WHERE lower(email) = lower(%(email)s)", email=email)
            if user is None:
                return None
            await name_in(connection, "app.user_id", user["id"])
            owned = await one(connection, SELECT_OWNED, user_id=user["id"])
            if owned is None:
                raise EmailTaken
            await name_in(connection, "app.org_id", owned["org_id"])
            key = await one(connection, SELECT_FIRST_KEY, user_id=user["id"])
            if key is None:
                raise EmailTaken
            return AccountIds(**key)

    async def open(self, account: Account) -> bool:
        """Keep a new account; False, and nothing kept, when its owner's e-mail exists already."""
        async with self._database.transaction(account.organization.id) as connection:
            await name_in(connection, "app.email", account.owner.email)
            if not await _add_user(connection, account.owner):
                return False
            await add_organization(connection, account.organization, account.project, account.owner.id)
            await connection.execute(*insert("auth.api_keys", key_row(account.key)))
        return True


async def _add_user(connection: Connection, user: User) -> bool:
    """Whether the user was new. Waits for a transaction that is just adding the same e-mail."""
    return (await connection.execute(INSERT_USER, user.model_dump())).rowcount == 1
