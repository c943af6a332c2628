"""Batches in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from integration.gateway.deferral.models import Batch, Owner, Status
from llmo_data.postgres import Database, every, insert, one

_NAMES: Final = tuple(field.name for field in fields(Batch))
_COLUMNS: Final = ", ".join(_NAMES)
FIND: Final = f"SELECT {_COLUMNS} FROM integration.batches WHERE id = %(id)s"  # noqa: S608 - of constants
PAGE: Final = f"""
    SELECT {_COLUMNS} FROM integration.batches
    WHERE project_id = %(project_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
    ORDER BY id DESC LIMIT %(limit)s
    """  # noqa: S608 - of constants
LEASE: Final = """
    UPDATE integration.batches SET leased_until = %(until)s
    WHERE id = %(id)s AND wakes_at IS NOT NULL AND (leased_until IS NULL OR leased_until <= %(now)s)
    RETURNING id
    """
RELEASE: Final = """
    UPDATE integration.batches SET leased_until = NULL,
        wakes_at = CASE wakes_at WHEN %(was)s THEN %(wakes_at)s ELSE wakes_at END
    WHERE id = %(id)s AND wakes_at IS NOT NULL AND leased_until = %(until)s
    """
COUNT_OPEN: Final = """
    SELECT count(*) AS batches, coalesce(sum(total - completed - failed), 0) AS calls FROM integration.batches
    WHERE project_id = %(project_id)s AND wakes_at IS NOT NULL
    """
OPEN: Final = """
    SELECT id, org_id FROM integration.open_batches
    WHERE wakes_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY wakes_at LIMIT %(limit)s
    """


class PostgresBatches:
    """Batches. Everything raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, batch: Batch) -> None:
        """Keep a new batch."""
        row = {name: _kept(value) for name, value in asdict(batch).items()}
        async with self._database.transaction(batch.org_id) as connection:
            await connection.execute(*insert("integration.batches", row))

    async def find(self, org_id: UUID, batch_id: UUID, *, locked: bool = False) -> Batch | None:
        """A batch, if `locked` nobody else changes it until the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND + (" FOR UPDATE" if locked else ""), id=batch_id)
        return _batch(row) if row is not None else None

    async def page(self, owner: Owner, *, after: UUID | None, limit: int) -> Sequence[Batch]:
        """At most `limit` batches of the owner's project, the newest first, behind the one with the id `after`."""
        async with self._database.transaction(owner.org_id) as connection:
            rows = await every(connection, PAGE, project_id=owner.project_id, after=after, limit=limit)
        return [_batch(row) for row in rows]

    async def change(self, org_id: UUID, batch_id: UUID, **columns: object) -> None:
        """Change some columns of a batch."""
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns
        )
        statement = sql.SQL("UPDATE integration.batches SET {} WHERE id = %(batch_id)s").format(changes)
        values = {name: _kept(value) for name, value in columns.items()}
        async with self._database.transaction(org_id) as connection:
            await connection.execute(statement, {**values, "batch_id": batch_id})

    async def waiting(self, org_id: UUID, project_id: UUID) -> tuple[int, int]:
        """How many batches of a project are open, and how many of their calls have no answer."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, COUNT_OPEN, project_id=project_id)
        return (row["batches"], row["calls"]) if row else (0, 0)

    async def lease(self, org_id: UUID, batch_id: UUID, *, now: datetime, until: datetime) -> Batch | None:
        """The batch, for one worker until then; None when it has ended or another worker has it."""
        async with self._database.transaction(org_id) as connection:
            if await one(connection, LEASE, id=batch_id, now=now, until=until) is None:
                return None
            return await self.find(org_id, batch_id)

    async def release(self, leased: Batch, *, until: datetime, wakes_at: datetime) -> None:
        """Let other workers have a batch from a moment on, or from the one that somebody else has set meanwhile.

        Does nothing for a lease that is not the present one any more.
        """
        values = {"id": leased.id, "was": leased.wakes_at, "until": until, "wakes_at": wakes_at}
        async with self._database.transaction(leased.org_id) as connection:
            await connection.execute(RELEASE.encode(), values)

    async def open(self, *, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """The organizations and ids of batches that nobody works on although there is something to do."""
        async with self._database.transaction() as connection:
            rows = await every(connection, OPEN, now=now, limit=limit)
        return [(row["org_id"], row["id"]) for row in rows]


def _batch(row: dict[str, Any]) -> Batch:
    return Batch(**{**row, "status": Status(row["status"])})


def _kept(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value
