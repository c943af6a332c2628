"""Spend caps in PostgreSQL."""

from typing import Final
from uuid import UUID

from billing.spend_caps.models import SpendCap
from llmo_data.postgres import Database, one

FIND: Final = "SELECT * FROM billing.spend_caps WHERE org_id = %(org_id)s"
MAKE: Final = "INSERT INTO billing.spend_caps (org_id) VALUES (%(org_id)s) ON CONFLICT (org_id) DO NOTHING"
LOCK: Final = FIND + " FOR UPDATE"
CHANGE: Final = """
    UPDATE billing.spend_caps
    SET limit_usd = %(limit_usd)s, revision = %(revision)s, updated_by = %(updated_by)s, updated_at = %(updated_at)s
    WHERE org_id = %(org_id)s
    """


class PostgresSpendCaps:
    """Spend caps. Everything raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> SpendCap:
        """An organization's; revision 1 before anybody set one."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND, org_id=org_id)
        return SpendCap(**row) if row is not None else SpendCap(org_id=org_id)

    async def locked(self, org_id: UUID) -> SpendCap:
        """The same; nobody else changes it before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(MAKE, {"org_id": org_id})
            row = await one(connection, LOCK, org_id=org_id)
        return SpendCap(**row) if row is not None else SpendCap(org_id=org_id)

    async def change(self, cap: SpendCap) -> None:
        """Keep what has changed of it."""
        async with self._database.transaction(cap.org_id) as connection:
            await connection.execute(CHANGE, cap.model_dump())
