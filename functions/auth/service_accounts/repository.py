"""Service accounts and their secrets in PostgreSQL."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.rows import name_in
from auth.service_accounts.models import AccountSecret, ServiceAccount
from llmo_data.postgres import Connection, Database, insert, one

SELECT_ACCOUNTS = """
    SELECT id, org_id, name, permissions, created_by, created_at, disabled_at
    FROM auth.service_accounts
    WHERE org_id = %(org_id)s
    """
LOCK_ACCOUNT = f"{SELECT_ACCOUNTS} AND id = %(id)s AND disabled_at IS NULL FOR UPDATE"
FIND_ACCOUNT = f"{SELECT_ACCOUNTS} AND id = %(id)s AND disabled_at IS NULL"
SELECT_SECRETS = """
    SELECT id, account_id, org_id, secret_hash, hint, created_at
    FROM auth.service_account_secrets
    WHERE org_id = %(org_id)s
    ORDER BY id DESC
    """
FIND_SECRET = "SELECT account_id, org_id FROM auth.service_account_secrets WHERE secret_hash = %(secret_hash)s"  # noqa: S105 - a statement
DISABLE = """
    UPDATE auth.service_accounts SET disabled_at = %(at)s
    WHERE org_id = %(org_id)s AND id = %(id)s AND disabled_at IS NULL
    """


class PostgresServiceAccounts:
    """Service accounts and their secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, org_id: UUID) -> Sequence[ServiceAccount]:
        """The accounts with their secrets, also disabled ones, the newest first."""
        async with self._database.transaction(org_id) as connection:
            statement = f"{SELECT_ACCOUNTS} ORDER BY id DESC"
            rows = await (await connection.execute(statement.encode(), {"org_id": org_id})).fetchall()
            secrets = await _secrets(connection, org_id)
        return [ServiceAccount(**row, secrets=secrets[row["id"]]) for row in rows]

    async def locked(self, org_id: UUID, account_id: UUID) -> ServiceAccount | None:
        """An account that is not disabled, with its secrets; nobody else changes it before the transaction ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LOCK_ACCOUNT, org_id=org_id, id=account_id)
            secrets = await _secrets(connection, org_id)
        return ServiceAccount(**row, secrets=secrets[account_id]) if row is not None else None

    async def add(self, account: ServiceAccount) -> None:
        """Keep a new account with its secrets."""
        row: dict[str, Any] = account.model_dump(exclude={"secrets"})
        row["permissions"] = [permission.value for permission in account.permissions]
        async with self._database.transaction(account.org_id) as connection:
            await connection.execute(*insert("auth.service_accounts", row))
            for secret in account.secrets:
                await connection.execute(*insert("auth.service_account_secrets", secret.model_dump()))

    async def disable(self, org_id: UUID, account_id: UUID, at: datetime) -> bool:
        """Disable an account and forget its secrets; False when there is none that is not disabled."""
        async with self._database.transaction(org_id) as connection:
            disabled = await connection.execute(DISABLE, {"org_id": org_id, "id": account_id, "at": at})
            await connection.execute("DELETE FROM auth.service_account_secrets WHERE account_id = %s", (account_id,))
            return disabled.rowcount == 1

    async def add_secret(self, secret: AccountSecret) -> None:
        """Keep a new secret."""
        async with self._database.transaction(secret.org_id) as connection:
            await connection.execute(*insert("auth.service_account_secrets", secret.model_dump()))

    async def remove_secret(self, org_id: UUID, account_id: UUID, secret_id: UUID) -> bool:
        """Forget a secret; False when the account has no such secret."""
        async with self._database.transaction(org_id) as connection:
            deleted = await connection.execute(
                "DELETE FROM auth.service_account_secrets WHERE account_id = %s AND id = %s", (account_id, secret_id)
            )
            return deleted.rowcount == 1

    async def live(self, org_id: UUID, account_id: UUID) -> ServiceAccount | None:
        """The organization's account with this id, unless it is disabled; without its secrets."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND_ACCOUNT, org_id=org_id, id=account_id)
        return ServiceAccount(**row) if row is not None else None

    async def by_secret(self, secret_hash: str) -> ServiceAccount | None:
        """The account, unless it is disabled, whose secret has this digest; of whatever organization."""
        async with self._database.transaction() as connection:
            await name_in(connection, "app.credential", secret_hash)
            known = await one(connection, FIND_SECRET, secret_hash=secret_hash)
            if known is None:
                return None
            return await self.live(known["org_id"], known["account_id"])


async def _secrets(connection: Connection, org_id: UUID) -> dict[UUID, list[AccountSecret]]:
    of_account: dict[UUID, list[AccountSecret]] = defaultdict(list)
    for row in await (await connection.execute(SELECT_SECRETS, {"org_id": org_id})).fetchall():
        of_account[row["account_id"]].append(AccountSecret(**row))
    return of_account
