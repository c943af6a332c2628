"""Retention with its adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.data_retention.applying import Applying
from analytics.data_retention.following import Following
from analytics.data_retention.repository import MongoExpiringEvents, MongoRetentions
from analytics.data_retention.service import RetentionService
from analytics.settings import AnalyticsSettings
from llmo_core.clock import SystemClock


@cache
def _kept() -> MongoRetentions:
    settings = AnalyticsSettings.model_validate({})
    return MongoRetentions(shared.database(), default_days=settings.event_retention_days)


def applying() -> Applying:
    """The use case of events that are kept already."""
    events = MongoExpiringEvents(shared.database())
    return Applying(retentions=_kept(), events=events, clock=SystemClock())


def retentions() -> RetentionService:
    """For how long events are kept."""
    return RetentionService(retentions=_kept(), applying=applying())


def following() -> Following:
    """The use case of plans that change, and of organizations that are closed."""
    return Following(retentions=_kept(), applying=applying())


async def retention_service() -> RetentionService:
    """The use cases of retention."""
    return retentions()


shared.forgotten_on_close(_kept.cache_clear)
