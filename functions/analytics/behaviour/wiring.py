"""Questions about tracked events with their adapters."""

from analytics import wiring as shared
from analytics.behaviour.repository import MongoBehaviour
from analytics.behaviour.service import BehaviourService
from llmo_core.clock import Clock, SystemClock


async def behaviour_service() -> BehaviourService:
    """The use cases of questions about tracked events."""
    return BehaviourService(events=MongoBehaviour(shared.database()))


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()
