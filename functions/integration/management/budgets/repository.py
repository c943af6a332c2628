"""Budgets in PostgreSQL."""

from typing import Any
from uuid import UUID

from integration.management.budgets.models import Budget
from integration.management.budgets.ports import Place
from integration.management.rows import KeptRows, Row, Rows
from llmo_data.postgres import Database, one

_WINDOW = "window_kind"  # a window is something else in SQL
_COLUMNS = [*(Budget.model_fields.keys() - {"window"}), _WINDOW]
PLACE = """
    SELECT organization.org_ref, coalesce(settings.time_zone, 'UTC') AS time_zone
    FROM auth.admission_organizations AS organization
    LEFT JOIN integration.organization_settings AS settings USING (org_id)
    WHERE organization.org_id = %(org_id)s AND organization.closed_at IS NULL
    """


class PostgresBudgets(KeptRows[Budget]):
    """Budgets."""

    def __init__(self, database: Database) -> None:
        super().__init__(Rows(database, "integration.budgets", _COLUMNS), read=_budget, write=_row)


class PostgresPlaces:
    """Where organizations are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> Place | None:
        """An organization's; None when there is none, or it is closed."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, PLACE, org_id=org_id)
        return Place(**row) if row is not None else None


def _budget(row: Row) -> Budget:
    return Budget(window=row[_WINDOW], **{name: value for name, value in row.items() if name != _WINDOW})


def _row(budget: Budget) -> dict[str, Any]:
    return {**budget.model_dump(exclude={"window"}), _WINDOW: budget.window, "alerts": [*budget.alerts]}
