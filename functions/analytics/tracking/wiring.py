"""Tracking with its adapters."""

from functools import cache
from typing import TYPE_CHECKING

from analytics import wiring as shared
from analytics.data_retention.wiring import retentions
from analytics.erasures.wiring import erasures
from analytics.event_schemas.wiring import event_schemas
from analytics.settings import WebEventSettings
from analytics.tracking.repository import MongoTrackedEvents
from analytics.tracking.service import TrackingService
from llmo_core.clock import SystemClock

if TYPE_CHECKING:
    from analytics.tracking.rates import RedisRates


@cache
def tracked_events() -> MongoTrackedEvents:
    """Where events are kept."""
    return MongoTrackedEvents(shared.database())


@cache
def rates() -> "RedisRates":
    """What counts the events of web pages."""
    from analytics.tracking.rates import RedisRates  # noqa: PLC0415 - redis-py takes a tenth of a second to import

    return RedisRates(shared.redis(), per_minute=WebEventSettings.model_validate({}).web_events_per_minute)


async def tracking_service() -> TrackingService:
    """The use cases of tracking."""
    return TrackingService(
        events=tracked_events(),
        schemas=event_schemas(),
        keeping=retentions(),
        erasures=erasures(),
        rates=rates(),
        clock=SystemClock(),
    )


for made in (tracked_events, rates):
    shared.forgotten_on_close(made.cache_clear)
