"""Routes in PostgreSQL."""

from typing import Any

from psycopg.types.json import Jsonb

from integration.management.routes.models import Route
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database


class PostgresRoutes(KeptRows[Route]):
    """Routes."""

    def __init__(self, database: Database) -> None:
        rows = Rows(database, "integration.routes", [*Route.model_fields])
        super().__init__(rows, read=lambda row: Route(**row), write=_row)


def _row(route: Route) -> dict[str, Any]:
    row = route.model_dump()
    return {**row, "strategy": row["strategy"].value, "sticky": row["sticky"].value, "targets": Jsonb(row["targets"])}
