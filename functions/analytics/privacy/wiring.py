"""Privacy with its adapters."""

from analytics import wiring as shared
from analytics.privacy.repository import CallsForPeople, EventsOfPeople, RolledMinutes
from analytics.privacy.service import ErasureService
from analytics.rollups.wiring import marks
from llmo_core.clock import SystemClock


async def erasure_service() -> ErasureService:
    """The use case of erasing people."""
    return ErasureService(
        events=EventsOfPeople(shared.database()),
        calls=CallsForPeople(shared.database()),
        sums_of_events=(),
        sums_of_calls=[RolledMinutes(marks(), clock=SystemClock())],
    )
