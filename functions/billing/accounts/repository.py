"""Accounts in PostgreSQL."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.accounts.models import Account, AccountDetails
from llmo_data.postgres import Database, one

ACCOUNT = "SELECT * FROM billing.accounts WHERE org_id = %(org_id)s"
LOCK = ACCOUNT + " FOR UPDATE"
MAKE = """
    INSERT INTO billing.accounts (org_id, name, email, address, tax_ids, time_zone, locale, taxation, revision,
        created_at, updated_at)
    VALUES (%(org_id)s, %(name)s, %(email)s, %(address)s, %(tax_ids)s, %(time_zone)s, %(locale)s, %(taxation)s,
        %(revision)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT (org_id) DO NOTHING
    """
CHANGE = """
    UPDATE billing.accounts
    SET name = %(name)s, email = %(email)s, address = %(address)s, tax_ids = %(tax_ids)s, time_zone = %(time_zone)s,
        locale = %(locale)s, taxation = %(taxation)s, revision = %(revision)s, updated_at = %(updated_at)s
    WHERE org_id = %(org_id)s
    """


class PostgresAccounts:
    """Accounts. Everything raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, ACCOUNT, org_id=org_id)
        return _account(row) if row is not None else None

    async def locked(self, fresh: Account) -> Account:
        """The account of the organization, or this one; nobody else changes it before the transaction's end."""
        async with self._database.joined(fresh.org_id) as connection:
            await connection.execute(MAKE, _row(fresh))
            row = await one(connection, LOCK, org_id=fresh.org_id)
        return _account(row) if row is not None else fresh

    async def change(self, account: Account) -> None:
        """Keep what has changed of it."""
        async with self._database.joined(account.org_id) as connection:
            await connection.execute(CHANGE, _row(account))


def _row(account: Account) -> dict[str, Any]:
    details = account.details.model_dump(mode="json")
    return {
        **account.model_dump(exclude={"details", "taxation"}),
        **details,
        "address": Jsonb(details["address"]) if details["address"] is not None else None,
        "tax_ids": Jsonb(details["tax_ids"]),
        "taxation": Jsonb(account.taxation.model_dump(mode="json")),
    }


def _account(row: Mapping[str, Any]) -> Account:
    details = AccountDetails.model_validate({name: row[name] for name in AccountDetails.model_fields})
    kept = {name: row[name] for name in Account.model_fields if name != "details"}
    return Account(**kept, details=details)
