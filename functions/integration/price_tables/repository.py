"""Editions of the price tables in PostgreSQL."""

from typing import Final
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from integration.gateway.price_rows import PostgresEditions
from integration.price_editions import SHAPE, StoredEdition
from llmo_core.clock import Clock
from llmo_data.postgres import Database, insert

LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('integration.price_tables', 0))"


class PostgresPriceTables(PostgresEditions):
    """Reads and adds editions. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database, *, source: str, clock: Clock) -> None:
        super().__init__(database)
        self._database = database
        self._source = source
        self._clock = clock

    async def lock(self) -> None:
        """Let no other run decide until the transaction under way has ended."""
        async with self._database.transaction() as connection:
            await connection.execute(LOCK)

    async def add(self, edition: StoredEdition, *, edition_id: UUID, accepted: bool) -> None:
        """Keep an edition."""
        row = {
            "id": edition_id,
            "version": edition.name.version,
            "shape": SHAPE,
            "dated": edition.name.dated,
            "source": self._source,
            "tables": Jsonb({provider: orjson.loads(table) for provider, table in edition.tables.items()}),
            "accepted": accepted,
            "created_at": self._clock.now(),
        }
        async with self._database.transaction() as connection:
            await connection.execute(*insert("integration.price_tables", row))
