"""Changes that are paid for first, in PostgreSQL."""

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from billing.paid_changes.models import ChangeUnderWay, PaidChange
from llmo_data.postgres import Database, insert, one

_ONE = "SELECT * FROM billing.paid_changes WHERE org_id = %(org_id)s AND id = %(change_id)s"
_UNDER_WAY = """
    SELECT id FROM billing.paid_changes
    WHERE org_id = %(org_id)s AND subscription_id = %(subscription_id)s AND status IN ('requested', 'charged')
    """
_CHANGE = """
    UPDATE billing.paid_changes
    SET top_up_id = %(top_up_id)s, status = %(status)s, failure = %(failure)s, ended_at = %(ended_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """


class PostgresPaidChanges:
    """Changes. A partial unique index is what lets a subscription have one under way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID, change_id: UUID) -> PaidChange | None:
        """The one with this id."""
        return await self._one(_ONE, org_id, change_id)

    async def locked(self, org_id: UUID, change_id: UUID) -> PaidChange | None:
        """The same, which nobody else changes before the transaction under way ends."""
        return await self._one(_ONE + " FOR UPDATE", org_id, change_id)

    async def add(self, change: PaidChange) -> None:
        """Keep a new one. Raises ChangeUnderWay where another of its subscription is."""
        try:
            async with self._database.transaction(change.org_id) as connection:
                await connection.execute(*insert("billing.paid_changes", _row(change)))
        except UniqueViolation as error:
            async with self._database.transaction(change.org_id) as connection:
                other = await one(connection, _UNDER_WAY, org_id=change.org_id, subscription_id=change.subscription_id)
            raise ChangeUnderWay(other["id"] if other is not None else None) from error

    async def change(self, change: PaidChange) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(change.org_id) as connection:
            await connection.execute(_CHANGE, _row(change))

    async def _one(self, statement: str, org_id: UUID, change_id: UUID) -> PaidChange | None:
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, statement, org_id=org_id, change_id=change_id)
        return PaidChange.model_validate(row) if row is not None else None


def _row(change: PaidChange) -> dict[str, Any]:
    return {**change.model_dump(), "terms": Jsonb(change.terms.model_dump(mode="json"))}
