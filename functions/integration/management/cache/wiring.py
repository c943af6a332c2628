"""The use cases of purges with their adapters."""

from integration.management import wiring as shared
from integration.management.cache.repository import PostgresPurges
from integration.management.cache.service import CacheService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def cache_service() -> CacheService:
    """The use cases of purges."""
    return CacheService(
        purges=PostgresPurges(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
    )
