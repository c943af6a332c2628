"""What monitoring reads, with its adapters; apart, since a stream needs no Prometheus."""

from analytics.live.exposition import Exposition
from analytics.rollups.wiring import reading
from llmo_core.clock import SystemClock


async def exposition() -> Exposition:
    """The use case of writing metrics."""
    return Exposition(reading=reading(), clock=SystemClock())
