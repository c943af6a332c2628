"""What an organization's configuration says of itself, in PostgreSQL."""

from collections.abc import Collection, Sequence
from uuid import UUID

from llmo_data.postgres import Database, every

# Row-level security limits them to the organization.
TAKEN = """
    SELECT name FROM integration.models WHERE name = %(name)s AND removed_at IS NULL
    UNION ALL
    SELECT name FROM integration.routes WHERE name = %(name)s AND removed_at IS NULL
    """
PROVIDERS = "SELECT name FROM integration.providers WHERE name = ANY(%(names)s) AND removed_at IS NULL"
MODELS = "SELECT name FROM integration.models WHERE name = ANY(%(names)s) AND removed_at IS NULL"
ROUTES = "SELECT name FROM integration.routes WHERE name = ANY(%(names)s) AND removed_at IS NULL"
MODELS_OF_PROVIDER = """
    SELECT name FROM integration.models WHERE provider_id = %(provider_id)s AND removed_at IS NULL ORDER BY name
    """
ROUTES_TO_PROVIDER = """
    SELECT route.name
    FROM integration.routes AS route
    WHERE route.removed_at IS NULL AND EXISTS (
        SELECT FROM jsonb_array_elements(route.targets) AS target
        WHERE starts_with(target ->> 'model', %(prefix)s) AND NOT EXISTS (
            SELECT FROM integration.models AS model
            WHERE model.name = target ->> 'model' AND model.removed_at IS NULL
        )
    )
    ORDER BY route.name
    """
ROUTES_TO_MODEL = """
    SELECT name FROM integration.routes
    WHERE removed_at IS NULL AND targets @> jsonb_build_array(jsonb_build_object('model', %(name)s::text))
    ORDER BY name
    """


class PostgresReferences:
    """References between providers, models and routes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def taken(self, org_id: UUID, name: str) -> bool:
        """Whether a model or a route has this name."""
        return bool(await self._names(org_id, TAKEN, name=name))

    async def providers_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of providers."""
        return frozenset(await self._names(org_id, PROVIDERS, names=[*names]))

    async def models_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of models."""
        return frozenset(await self._names(org_id, MODELS, names=[*names]))

    async def routes_named(self, org_id: UUID, names: Collection[str]) -> frozenset[str]:
        """Which of these are names of routes."""
        return frozenset(await self._names(org_id, ROUTES, names=[*names]))

    async def models_of_provider(self, org_id: UUID, provider_id: UUID) -> Sequence[str]:
        """The names of the models that are a provider's."""
        return await self._names(org_id, MODELS_OF_PROVIDER, provider_id=provider_id)

    async def routes_to_provider(self, org_id: UUID, name: str) -> Sequence[str]:
        """The names of the routes with a target `<name>/<model>` that is no model's own name."""
        return await self._names(org_id, ROUTES_TO_PROVIDER, prefix=f"{name}/")

    async def routes_to_model(self, org_id: UUID, name: str) -> Sequence[str]:
        """The names of the routes with this target."""
        return await self._names(org_id, ROUTES_TO_MODEL, name=name)

    async def _names(self, org_id: UUID, statement: str, **parameters: object) -> list[str]:
        async with self._database.transaction(org_id) as connection:
            return [row["name"] for row in await every(connection, statement, **parameters)]
