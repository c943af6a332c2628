"""Guardrails in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from integration.guarding.rules import MOST_GUARDRAILS
from integration.management.guardrails.models import Guardrail
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database


class PostgresGuardrails(KeptRows[Guardrail]):
    """Guardrails."""

    def __init__(self, database: Database) -> None:
        rows = Rows(database, "integration.guardrails", [*Guardrail.model_fields])
        super().__init__(rows, read=lambda row: Guardrail(**row), write=_row)

    async def all(self, org_id: UUID) -> Sequence[Guardrail]:
        """All of an organization's, the oldest first."""
        return [*reversed(await self.page(org_id, before=None, limit=MOST_GUARDRAILS))]


def _row(guardrail: Guardrail) -> dict[str, Any]:
    row = guardrail.model_dump()
    named = {name: row[name].value for name in ("stage", "kind", "action")}
    return {**row, **named, "pii": [kind.value for kind in row["pii"]], "words": [*row["words"]]}
