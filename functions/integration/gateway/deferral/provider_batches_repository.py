"""Batches at providers, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from integration.gateway.deferral.models import Batch, Line, ProviderBatch
from llmo_data.postgres import Database, every, insert

OPEN: Final = """
    SELECT id, target, file_id, provider_batch_id FROM integration.provider_batches
    WHERE batch_id = %(batch_id)s AND ended_at IS NULL
    ORDER BY id
    """
ATTACH: Final = """
    UPDATE integration.batch_lines SET provider_batch_id = %(id)s, held_at = %(now)s
    WHERE batch_id = %(batch_id)s AND position = ANY(%(positions)s) AND outcome IS NULL
    """
DETACH: Final = """
    UPDATE integration.batch_lines SET provider_batch_id = NULL, held_at = NULL, alone = %(alone)s
    WHERE provider_batch_id = %(id)s AND outcome IS NULL
    """
LINES: Final = """
    SELECT position, custom_id, call_id, body, tries, held_at, alone FROM integration.batch_lines
    WHERE provider_batch_id = %(id)s AND outcome IS NULL
    ORDER BY position
    """


class PostgresProviderBatches:
    """Batches at providers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, batch: Batch, provider_batch: ProviderBatch, lines: Sequence[Line], *, now: datetime) -> None:
        """Keep a new one with its lines, whose cost is set aside."""
        row = {
            "id": provider_batch.id,
            "org_id": batch.org_id,
            "batch_id": batch.id,
            "target": Jsonb(provider_batch.target),
            "created_at": now,
        }
        positions: list[int] = [line.position for line in lines]
        attached: dict[str, Any] = {"id": provider_batch.id, "batch_id": batch.id, "positions": positions, "now": now}
        async with self._database.transaction(batch.org_id) as connection:
            await connection.execute(*insert("integration.provider_batches", row))
            await connection.execute(ATTACH.encode(), attached)

    async def open(self, batch: Batch) -> Sequence[ProviderBatch]:
        """Those of a batch that have not ended."""
        async with self._database.transaction(batch.org_id) as connection:
            return [ProviderBatch(**row) for row in await every(connection, OPEN, batch_id=batch.id)]

    async def lines(self, batch: Batch, provider_batch: ProviderBatch) -> Sequence[Line]:
        """Its lines that have no outcome."""
        async with self._database.transaction(batch.org_id) as connection:
            return [Line(**row) for row in await every(connection, LINES, id=provider_batch.id)]

    async def note(self, batch: Batch, provider_batch: ProviderBatch, **columns: object) -> None:
        """Keep what is known of it now: `file_id`, `provider_batch_id` or `ended_at`."""
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns
        )
        statement = sql.SQL("UPDATE integration.provider_batches SET {} WHERE id = %(id)s").format(changes)
        async with self._database.transaction(batch.org_id) as connection:
            await connection.execute(statement, {**columns, "id": provider_batch.id})

    async def give_back(self, batch: Batch, provider_batch: ProviderBatch, *, alone: bool, now: datetime) -> None:
        """End it without any of its calls made; if `alone`, they are made one by one."""
        async with self._database.transaction(batch.org_id) as connection:
            await connection.execute(DETACH.encode(), {"id": provider_batch.id, "alone": alone})
            await self.note(batch, provider_batch, ended_at=now)
