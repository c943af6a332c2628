"""Event schemas with their adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.event_schemas.compiled import check
from analytics.event_schemas.repository import MongoEventSchemas
from analytics.event_schemas.service import EventSchemaService
from llmo_core.clock import SystemClock


@cache
def event_schemas() -> MongoEventSchemas:
    """Where schemas are kept."""
    return MongoEventSchemas(shared.database())


async def event_schema_service() -> EventSchemaService:
    """The use cases of event schemas."""
    return EventSchemaService(schemas=event_schemas(), compile_schema=check, clock=SystemClock())


shared.forgotten_on_close(event_schemas.cache_clear)
