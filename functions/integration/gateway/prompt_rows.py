"""Versions of prompts in PostgreSQL."""

from typing import Any, Final
from uuid import UUID

from integration.gateway.configuration_rows import FIND_ORGANIZATION
from llmo_data.postgres import Database

SELECT_VERSION: Final = """
    SELECT messages, defaults FROM integration.prompt_versions WHERE prompt_id = %s AND number = %s
    """


class PostgresPromptVersions:
    """Reads versions of prompts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_ref: str, prompt_id: str, number: int) -> dict[str, Any] | None:
        """The `messages` and `defaults` of a version. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            found = await (await connection.execute(FIND_ORGANIZATION, (org_ref,))).fetchone()
        if found is None:
            return None
        async with self._database.transaction(found["org_id"]) as connection:
            return await (await connection.execute(SELECT_VERSION, (UUID(prompt_id), number))).fetchone()
