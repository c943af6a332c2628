"""Routes in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from integration.management.routes.models import Route
from integration.management.rows import Rows
from llmo_data.postgres import Database


class PostgresRoutes:
    """Routes."""

    def __init__(self, database: Database) -> None:
        self._rows = Rows(database, "integration.routes", [*Route.model_fields])

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Route]:
        """At most `limit` routes, the newest first, that are older than the route `before`."""
        return [Route(**row) for row in await self._rows.page(org_id, before=before, limit=limit)]

    async def find(self, org_id: UUID, route_id: UUID) -> Route | None:
        """The route, unless it is removed."""
        row = await self._rows.find(org_id, route_id)
        return Route(**row) if row is not None else None

    async def add(self, route: Route) -> None:
        """Keep a new route."""
        await self._rows.add(_row(route))

    async def change(self, route: Route) -> None:
        """Keep another version of a route."""
        await self._rows.change(_row(route))

    async def remove(self, route: Route, *, at: datetime) -> None:
        """Mark a route as removed."""
        await self._rows.remove(route.org_id, route.id, at=at)


def _row(route: Route) -> dict[str, Any]:
    row = route.model_dump()
    return {**row, "strategy": row["strategy"].value, "sticky": row["sticky"].value, "targets": Jsonb(row["targets"])}
