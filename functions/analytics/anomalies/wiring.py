"""Anomalies with their adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.anomalies.announcing import BusAnnouncements
from analytics.anomalies.repository import MongoAnomalies, MongoMarks, MongoOrganizations
from analytics.anomalies.service import Detecting
from analytics.rollups import wiring as rollups
from llmo_core.clock import Clock, SystemClock


@cache
def _anomalies() -> MongoAnomalies:
    return MongoAnomalies(shared.database())


async def anomalies() -> MongoAnomalies:
    """Where anomalies are kept."""
    return _anomalies()


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()


def detecting() -> Detecting:
    """The use case of detecting them."""
    return Detecting(
        reading=rollups.reading(),
        organizations=MongoOrganizations(shared.database()),
        anomalies=_anomalies(),
        marks=MongoMarks(shared.database()),
        announcements=BusAnnouncements(shared.bus()),
        clock=SystemClock(),
    )


shared.forgotten_on_close(_anomalies.cache_clear)
