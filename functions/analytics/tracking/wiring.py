"""Tracking with its adapters."""

from collections.abc import Callable
from functools import cache

from analytics import wiring as shared
from analytics.data_retention.wiring import retentions
from analytics.erasures.wiring import erasures
from analytics.event_schemas.wiring import event_schemas
from analytics.tracking.ports import Minutes
from analytics.tracking.repository import MongoTrackedEvents
from analytics.tracking.service import TrackingService
from llmo_core.clock import SystemClock

_summing: list[Callable[[], Minutes]] = []


def connect(minutes: Callable[[], Minutes]) -> None:
    """Have somebody told of which minutes there are new events; the entry point knows who keeps sums."""
    _summing.append(minutes)


@cache
def tracked_events() -> MongoTrackedEvents:
    """Where events are kept."""
    return MongoTrackedEvents(shared.database())


def summing() -> list[Minutes]:
    """Who is told."""
    return [minutes() for minutes in _summing]


async def tracking_service() -> TrackingService:
    """The use cases of tracking."""
    return TrackingService(
        events=tracked_events(),
        schemas=event_schemas(),
        keeping=retentions(),
        erasures=erasures(),
        minutes=summing(),
        clock=SystemClock(),
    )


shared.forgotten_on_close(tracked_events.cache_clear)
