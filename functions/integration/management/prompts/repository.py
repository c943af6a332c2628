"""Prompts and their versions in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from integration.management.prompts.models import Prompt, Version
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database, every, insert, one

TAKEN = "SELECT id FROM integration.prompts WHERE org_id = %(org_id)s AND name = %(name)s AND removed_at IS NULL"
COUNT = "SELECT count(*) FROM integration.prompts WHERE org_id = %(org_id)s AND removed_at IS NULL"
PAGE = """
    SELECT id, org_id, prompt_id, number, messages, defaults, note, created_by, created_at
    FROM integration.prompt_versions
    WHERE prompt_id = %(prompt_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
FIND = """
    SELECT id, org_id, prompt_id, number, messages, defaults, note, created_by, created_at
    FROM integration.prompt_versions
    WHERE prompt_id = %(prompt_id)s AND number = %(number)s
    """


class PostgresPrompts(KeptRows[Prompt]):
    """Prompts."""

    def __init__(self, database: Database) -> None:
        rows = Rows(database, "integration.prompts", [*Prompt.model_fields])
        super().__init__(rows, read=lambda row: Prompt(**row), write=_row)
        self._database = database

    async def count(self, org_id: UUID) -> int:
        """How many there are that are not removed."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, COUNT, org_id=org_id)
        return int(row["count"]) if row is not None else 0

    async def taken(self, org_id: UUID, name: str) -> bool:
        """Whether a prompt has this name that is not removed."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, TAKEN, org_id=org_id, name=name) is not None


class PostgresVersions:
    """Versions of prompts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, prompt: Prompt, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a prompt's, the newest first, that are older than the one with the id `before`."""
        async with self._database.transaction(prompt.org_id) as connection:
            found = await every(connection, PAGE, prompt_id=prompt.id, before=before, limit=limit)
        return [Version(**row) for row in found]

    async def find(self, prompt: Prompt, number: int) -> Version | None:
        """A prompt's version of this number."""
        async with self._database.transaction(prompt.org_id) as connection:
            row = await one(connection, FIND, prompt_id=prompt.id, number=number)
        return Version(**row) if row is not None else None

    async def add(self, version: Version) -> None:
        """Keep a new one."""
        row = version.model_dump()
        row |= {"messages": Jsonb(row["messages"]), "defaults": Jsonb(row["defaults"])}
        async with self._database.transaction(version.org_id) as connection:
            await connection.execute(*insert("integration.prompt_versions", row))


def _row(prompt: Prompt) -> dict[str, Any]:
    return {**prompt.model_dump(), "labels": Jsonb(dict(prompt.labels))}
