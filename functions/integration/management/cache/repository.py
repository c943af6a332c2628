"""Purges in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from integration.management.cache.models import Purge
from llmo_data.postgres import Database, every, insert

# Row-level security limits them to the organization.
PAGE = """
    SELECT id, org_id, project_id, purged_by, purged_at
    FROM integration.cache_purges
    WHERE %(before)s::uuid IS NULL OR id < %(before)s::uuid
    ORDER BY id DESC
    LIMIT %(limit)s
    """


class PostgresPurges:
    """Purges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Purge]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        async with self._database.transaction(org_id) as connection:
            return [Purge(**row) for row in await every(connection, PAGE, before=before, limit=limit)]

    async def add(self, purge: Purge) -> None:
        """Keep a new one."""
        async with self._database.transaction(purge.org_id) as connection:
            await connection.execute(*insert("integration.cache_purges", purge.model_dump()))
