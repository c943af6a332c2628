"""Limits in PostgreSQL."""

from integration.management.limits.models import Limit
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database


def limit_rows(database: Database) -> KeptRows[Limit]:
    """Limits as rows."""
    rows = Rows(database, "integration.limits", [*Limit.model_fields])
    return KeptRows(rows, read=lambda row: Limit(**row), write=Limit.model_dump)
