"""Files in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integration.gateway.deferral.models import Owner, Purpose, StoredFile
from llmo_data.postgres import Database, every, insert, one

_COLUMNS: Final = "id, org_id, project_id, key_id, filename, bytes, purpose, created_at, expires_at"
FIND: Final = f"""
    SELECT {_COLUMNS} FROM integration.files
    WHERE id = %(id)s AND project_id = %(project_id)s AND deleted_at IS NULL AND expires_at > %(now)s
    """  # noqa: S608 - of constants
PAGE_ASCENDING: Final = f"""
    SELECT {_COLUMNS} FROM integration.files
    WHERE project_id = %(project_id)s AND deleted_at IS NULL AND expires_at > %(now)s
        AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s) AND (%(after)s::uuid IS NULL OR id > %(after)s)
    ORDER BY id LIMIT %(limit)s
    """  # noqa: S608 - of constants
PAGE_DESCENDING: Final = PAGE_ASCENDING.replace("id > %(after)s", "id < %(after)s").replace(
    "ORDER BY id", "ORDER BY id DESC"
)
BYTES_KEPT: Final = """
    SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM integration.files
    WHERE project_id = %(project_id)s AND deleted_at IS NULL AND expires_at > %(now)s
    """
DELETE: Final = """
    UPDATE integration.files SET deleted_at = %(now)s WHERE id = %(id)s AND project_id = %(project_id)s
        AND deleted_at IS NULL AND expires_at > %(now)s
    RETURNING id
    """


class PostgresFiles:
    """What is known of files, by project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: StoredFile) -> None:
        """Keep a file. Raises DatabaseUnavailable, as all of these do."""
        async with self._database.transaction(file.org_id) as connection:
            await connection.execute(*insert("integration.files", asdict(file)))

    async def find(self, owner: Owner, file_id: UUID, *, now: datetime) -> StoredFile | None:
        """A file of the owner's project."""
        async with self._database.transaction(owner.org_id) as connection:
            row = await one(connection, FIND, id=file_id, project_id=owner.project_id, now=now)
        return _file(row) if row is not None else None

    async def page(
        self, owner: Owner, *, purpose: str | None, after: UUID | None, limit: int, ascending: bool, now: datetime
    ) -> Sequence[StoredFile]:
        """At most `limit` files of the owner's project, behind the one with the id `after`."""
        statement = PAGE_ASCENDING if ascending else PAGE_DESCENDING
        wanted: dict[str, object] = {"purpose": purpose, "after": after, "limit": limit, "now": now}
        async with self._database.transaction(owner.org_id) as connection:
            rows = await every(connection, statement, project_id=owner.project_id, **wanted)
        return [_file(row) for row in rows]

    async def delete(self, owner: Owner, file_id: UUID, *, now: datetime) -> bool:
        """Whether there was such a file; it is deleted."""
        async with self._database.transaction(owner.org_id) as connection:
            return await one(connection, DELETE, id=file_id, project_id=owner.project_id, now=now) is not None

    async def bytes_kept(self, owner: Owner, *, now: datetime) -> int:
        """How many bytes the project's files have together."""
        async with self._database.transaction(owner.org_id) as connection:
            row = await one(connection, BYTES_KEPT, project_id=owner.project_id, now=now)
        return row["bytes"] if row else 0


def _file(row: dict[str, Any]) -> StoredFile:
    return StoredFile(**{**row, "purpose": Purpose(row["purpose"])})
