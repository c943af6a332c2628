"""Stored editions of the price tables in PostgreSQL."""

from typing import Final

from integration.price_editions import SHAPE, EditionName, StoredEdition, canonical
from llmo_data.postgres import Database, one

SELECT_NEWEST: Final = """
    SELECT version, dated, tables
    FROM integration.price_tables
    WHERE shape = %(shape)s
    ORDER BY dated DESC
    LIMIT 1
    """


class PostgresEditions:
    """Reads editions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> StoredEdition | None:
        """The last one that was fetched; None before there is one. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            row = await one(connection, SELECT_NEWEST, shape=SHAPE)
        if row is None:
            return None
        tables = {provider: canonical(table) for provider, table in row["tables"].items()}
        return StoredEdition(EditionName(row["version"], row["dated"]), tables)
