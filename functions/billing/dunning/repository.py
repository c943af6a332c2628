"""Dunnings, and how well organizations are served, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.dunning.models import Dunning, Service
from llmo_data.postgres import Database, every, one

_DUNNINGS = "SELECT * FROM billing.dunnings WHERE org_id = %(org_id)s"
_DUNNING = _DUNNINGS + " AND invoice_id = %(invoice_id)s"
_OPEN = _DUNNINGS + " AND closed_at IS NULL ORDER BY opened_at, invoice_id"
_ADD = """
    INSERT INTO billing.dunnings (invoice_id, org_id, steps, step, retried, opened_at, next_at)
    VALUES (%(invoice_id)s, %(org_id)s, %(steps)s, %(step)s, %(retried)s, %(opened_at)s, %(next_at)s)
    ON CONFLICT (invoice_id) DO NOTHING
    RETURNING invoice_id
    """
_CHANGE = """
    UPDATE billing.dunnings
    SET step = %(step)s, retried = %(retried)s, next_at = %(next_at)s, closed_at = %(closed_at)s, outcome = %(outcome)s
    WHERE org_id = %(org_id)s AND invoice_id = %(invoice_id)s
    """

_SERVICE = "SELECT * FROM billing.services WHERE org_id = %(org_id)s"
_ADD_SERVICE = """
    INSERT INTO billing.services (org_id, standing, revision) VALUES (%(org_id)s, 'good', 0)
    ON CONFLICT (org_id) DO NOTHING
    """
_CHANGE_SERVICE = """
    UPDATE billing.services
    SET standing = %(standing)s, invoice_id = %(invoice_id)s, since = %(since)s, revision = %(revision)s
    WHERE org_id = %(org_id)s
    """


class PostgresDunnings:
    """Dunnings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        """An invoice's."""
        return await self._one(_DUNNING, org_id, invoice_id)

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        """The same, which nobody else changes before the transaction under way ends."""
        return await self._one(_DUNNING + " FOR UPDATE", org_id, invoice_id)

    async def open(self, org_id: UUID) -> Sequence[Dunning]:
        """Those of an organization that are not closed, the oldest first."""
        async with self._database.transaction(org_id) as connection:
            return [Dunning.model_validate(row) for row in await every(connection, _OPEN, org_id=org_id)]

    async def add(self, dunning: Dunning) -> bool:
        """Keep a new one; False, and nothing, where the invoice has one."""
        async with self._database.transaction(dunning.org_id) as connection:
            return await one(connection, _ADD, **_row(dunning)) is not None

    async def change(self, dunning: Dunning) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(dunning.org_id) as connection:
            await connection.execute(_CHANGE, _row(dunning))

    async def _one(self, statement: str, org_id: UUID, invoice_id: UUID) -> Dunning | None:
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, statement, org_id=org_id, invoice_id=invoice_id)
        return Dunning.model_validate(row) if row is not None else None


class PostgresServices:
    """How well organizations are served: a row of each that ever was not served well."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> Service:
        """An organization's."""
        async with self._database.transaction(org_id) as connection:
            return _service(org_id, await one(connection, _SERVICE, org_id=org_id))

    async def locked(self, org_id: UUID) -> Service:
        """The same, which nobody else changes before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(_ADD_SERVICE, {"org_id": org_id})
            return _service(org_id, await one(connection, _SERVICE + " FOR UPDATE", org_id=org_id))

    async def change(self, service: Service) -> None:
        """Keep what has changed."""
        async with self._database.transaction(service.org_id) as connection:
            await connection.execute(_CHANGE_SERVICE, service.model_dump())


def _service(org_id: UUID, row: Mapping[str, Any] | None) -> Service:
    return Service.model_validate(row) if row is not None else Service(org_id=org_id)


def _row(dunning: Dunning) -> dict[str, Any]:
    return {**dunning.model_dump(), "steps": Jsonb([step.model_dump(mode="json") for step in dunning.steps])}
