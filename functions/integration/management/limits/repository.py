"""Limits in PostgreSQL."""

from integration.management.limits.models import Limit
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database


class PostgresLimits(KeptRows[Limit]):
    """Limits."""

    def __init__(self, database: Database) -> None:
        rows = Rows(database, "integration.limits", [*Limit.model_fields])
        super().__init__(rows, read=lambda row: Limit(**row), write=Limit.model_dump)
