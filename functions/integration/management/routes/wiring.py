"""The use cases of routes with their adapters."""

import secrets

from integration.management import wiring as shared
from integration.management.routes.repository import PostgresRoutes
from integration.management.routes.service import RouteGuard, RouteService, routes

_TARGET_ID_BYTES = 4


async def route_service() -> RouteService:
    """The use cases of routes."""
    kind = routes(lambda: secrets.token_hex(_TARGET_ID_BYTES))
    return shared.configuring(kind, PostgresRoutes(shared.database()), RouteGuard(shared.references()))
