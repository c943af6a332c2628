"""The registry in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from integration import price_editions
from integration.management.registry.models import Origin, Price, PriceEdition, RegisteredModel
from integration.management.rows import KeptRows, Rows
from llmo_data.postgres import Database, every, one

PROVIDER = "SELECT id FROM integration.providers WHERE org_id = %(org_id)s AND id = %(id)s AND removed_at IS NULL"
PRICES = """
    SELECT effective_from, input_mtok, cached_input_mtok, output_mtok
    FROM integration.model_prices
    WHERE org_id = %(org_id)s AND model_id = %(model_id)s
    ORDER BY effective_from DESC
    """
PUT_PRICE = """
    INSERT INTO integration.model_prices AS price (model_id, org_id, effective_from, input_mtok, cached_input_mtok,
        output_mtok, created_by, created_at)
    VALUES (%(model_id)s, %(org_id)s, %(effective_from)s, %(input_mtok)s, %(cached_input_mtok)s, %(output_mtok)s,
        %(by)s, %(at)s)
    ON CONFLICT (model_id, effective_from) DO UPDATE
        SET input_mtok = excluded.input_mtok, cached_input_mtok = excluded.cached_input_mtok,
            output_mtok = excluded.output_mtok, created_by = excluded.created_by, created_at = excluded.created_at
        WHERE price.effective_from > excluded.created_at
    RETURNING model_id
    """

NEWEST_EDITION = """
    SELECT version, dated
    FROM integration.price_tables
    WHERE shape = %(shape)s
    ORDER BY dated DESC
    LIMIT 1
    """


class PostgresModels(KeptRows[RegisteredModel]):
    """Registered models."""

    def __init__(self, database: Database) -> None:
        rows = Rows(database, "integration.models", [*RegisteredModel.model_fields])
        super().__init__(rows, read=lambda row: RegisteredModel(**row), write=_row)
        self._database = database

    async def has_provider(self, org_id: UUID, provider_id: UUID) -> bool:
        """Whether there is a provider with this id that is not removed."""
        async with self._database.transaction(org_id) as connection:
            return await one(connection, PROVIDER, org_id=org_id, id=provider_id) is not None


class PostgresPrices:
    """Prices of registered models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, model: RegisteredModel) -> Sequence[Price]:
        """A model's prices, the latest first."""
        async with self._database.transaction(model.org_id) as connection:
            rows = await every(connection, PRICES, org_id=model.org_id, model_id=model.id)
        return [Price(**row) for row in rows]

    async def put(self, model: RegisteredModel, price: Price, *, by: UUID, at: datetime) -> bool:
        """Keep a price, in place of one from the same moment on if that is after `at`; False when it is not."""
        row = {**price.model_dump(), "model_id": model.id, "org_id": model.org_id, "by": by, "at": at}
        async with self._database.transaction(model.org_id) as connection:
            return await one(connection, PUT_PRICE, **row) is not None


class PostgresEditions:
    """Editions of the price table, the packaged one included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self) -> PriceEdition:
        """The one that calls go by now."""
        async with self._database.statements() as connection:
            row = await one(connection, NEWEST_EDITION, shape=price_editions.SHAPE)
        newest = price_editions.EditionName(**row) if row else None
        if newest is not None and price_editions.in_force(newest):
            return PriceEdition(version=newest.version, dated=newest.dated, origin=Origin.REFRESHED)
        packaged = price_editions.packaged()
        return PriceEdition(version=packaged.version, dated=packaged.dated, origin=Origin.PACKAGED)


def _row(model: RegisteredModel) -> dict[str, Any]:
    capabilities = model.capabilities
    return {
        **model.model_dump(),
        "capabilities": [capability.value for capability in capabilities] if capabilities is not None else None,
    }
