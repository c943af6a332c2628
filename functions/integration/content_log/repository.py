"""Which contents of calls there are, in PostgreSQL."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from llmo_data.postgres import Database, one

# A content that was erased stays erased, however often it is delivered.
ADD: Final = """
    INSERT INTO integration.call_contents (id, org_id, project_id, key_id, request_id, endpoint, model, status,
        http_status, end_user, started_at, retention_days, redacted, expires_at)
    VALUES (%(id)s, %(org_id)s, %(project_id)s, %(key_id)s, %(request_id)s, %(endpoint)s, %(model)s, %(status)s,
        %(http_status)s, %(end_user)s, %(started_at)s, %(retention_days)s, %(redacted)s, %(expires_at)s)
    ON CONFLICT (id) DO UPDATE SET erased_at = call_contents.erased_at
    RETURNING erased_at
    """

ERASED: Final = "SELECT erased_at FROM integration.call_contents WHERE id = %(id)s"


class PostgresCallContents:
    """Rows of contents. Everything raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, org_id: UUID, row: Mapping[str, Any]) -> bool:
        """Note a content; whether it is wanted, and was not erased meanwhile."""
        async with self._database.transaction(org_id) as connection:
            noted = await one(connection, ADD, **row)
        return noted is not None and noted["erased_at"] is None

    async def erased(self, org_id: UUID, call_id: UUID) -> bool:
        """Whether a content was erased."""
        async with self._database.transaction(org_id) as connection:
            found = await one(connection, ERASED, id=call_id)
        return found is not None and found["erased_at"] is not None
