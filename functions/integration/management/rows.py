"""The tables of things that an organization sets up: named, versioned, and kept when they are removed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql

from integration.management.models import Configured
from llmo_data.postgres import Database, insert

# What no change changes.
_FIXED = frozenset({"id", "org_id", "kind", "scope", "subject", "window_kind", "created_by", "created_at"})
_FIND = """
    SELECT {columns} FROM {table} WHERE org_id = %(org_id)s AND id = %(id)s AND removed_at IS NULL
    """
_PAGE = """
    SELECT {columns} FROM {table}
    WHERE org_id = %(org_id)s AND removed_at IS NULL AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
_CHANGE = "UPDATE {table} SET {assignments} WHERE org_id = %(org_id)s AND id = %(id)s AND removed_at IS NULL"
_REMOVE = "UPDATE {table} SET removed_at = %(at)s WHERE org_id = %(org_id)s AND id = %(id)s AND removed_at IS NULL"

type Row = Mapping[str, Any]


class Rows:
    """One table.

    Args:
        database: The service's own.
        table: `schema.table`.
        columns: Those that are read and written.
    """

    def __init__(self, database: Database, table: str, columns: Sequence[str]) -> None:
        self._database = database
        self._name = table
        self._table = sql.Identifier(*table.split("."))
        self._columns = sql.SQL(", ").join(map(sql.Identifier, columns))
        self._assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column))
            for column in columns
            if column not in _FIXED
        )

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Row]:
        """At most `limit` rows of an organization, the newest first, that are older than `before`."""
        statement = sql.SQL(_PAGE).format(columns=self._columns, table=self._table)
        async with self._database.transaction(org_id) as connection:
            found = await connection.execute(statement, {"org_id": org_id, "before": before, "limit": limit})
            return await found.fetchall()

    async def find(self, org_id: UUID, row_id: UUID) -> Row | None:
        """An organization's row, unless it is removed."""
        statement = sql.SQL(_FIND).format(columns=self._columns, table=self._table)
        async with self._database.transaction(org_id) as connection:
            return await (await connection.execute(statement, {"org_id": org_id, "id": row_id})).fetchone()

    async def add(self, row: Row) -> None:
        """Keep a new row."""
        async with self._database.transaction(row["org_id"]) as connection:
            await connection.execute(*insert(self._name, row))

    async def change(self, row: Row) -> None:
        """Replace a row's values."""
        statement = sql.SQL(_CHANGE).format(table=self._table, assignments=self._assignments)
        async with self._database.transaction(row["org_id"]) as connection:
            await connection.execute(statement, row)

    async def remove(self, org_id: UUID, row_id: UUID, *, at: datetime) -> None:
        """Mark a row as removed."""
        statement = sql.SQL(_REMOVE).format(table=self._table)
        async with self._database.transaction(org_id) as connection:
            await connection.execute(statement, {"org_id": org_id, "id": row_id, "at": at})


class KeptRows[T: Configured]:
    """Things of one kind, as rows of a table.

    Args:
        read: Makes a thing of a row.
        write: Makes a row of a thing.
    """

    def __init__(self, rows: Rows, *, read: Callable[[Row], T], write: Callable[[T], Row]) -> None:
        self._rows = rows
        self._read = read
        self._write = write

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[T]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        return [self._read(row) for row in await self._rows.page(org_id, before=before, limit=limit)]

    async def find(self, org_id: UUID, thing_id: UUID) -> T | None:
        """The one with this id, unless it is removed."""
        row = await self._rows.find(org_id, thing_id)
        return self._read(row) if row is not None else None

    async def add(self, thing: T) -> None:
        """Keep a new one."""
        await self._rows.add(self._write(thing))

    async def change(self, thing: T) -> None:
        """Keep another version of one."""
        await self._rows.change(self._write(thing))

    async def remove(self, thing: T, *, at: datetime) -> None:
        """Mark one as removed."""
        await self._rows.remove(thing.org_id, thing.id, at=at)
