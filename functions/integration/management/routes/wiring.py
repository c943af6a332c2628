"""The use cases of routes with their adapters."""

import secrets

from integration.management import wiring as shared
from integration.management.routes.repository import PostgresRoutes
from integration.management.routes.service import RouteService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id

_TARGET_ID_BYTES = 4


async def route_service() -> RouteService:
    """The use cases of routes."""
    return RouteService(
        routes=PostgresRoutes(shared.database()),
        references=shared.references(),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
        new_target_id=lambda: secrets.token_hex(_TARGET_ID_BYTES),
    )
