"""Retention with its adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.data_retention.repository import MongoExpiringEvents, MongoRetentions
from analytics.data_retention.service import RetentionService
from analytics.settings import TrackingSettings
from llmo_core.clock import SystemClock


@cache
def retentions() -> RetentionService:
    """For how long events are kept."""
    settings = TrackingSettings.model_validate({})
    return RetentionService(
        retentions=MongoRetentions(shared.database(), default_days=settings.event_retention_days),
        events=MongoExpiringEvents(shared.database()),
        clock=SystemClock(),
    )


async def retention_service() -> RetentionService:
    """The use cases of retention."""
    return retentions()


shared.forgotten_on_close(retentions.cache_clear)
