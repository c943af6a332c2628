"""Usage with its adapters."""

from datetime import timedelta
from functools import cache

from analytics import wiring as shared
from analytics.settings import AnalyticsSettings
from analytics.usage.repository import MongoUsageStore
from llmo_core.clock import SystemClock


@cache
def usage_store() -> MongoUsageStore:
    """Where usage is kept."""
    days = AnalyticsSettings.model_validate({}).usage_retention_days
    return MongoUsageStore(shared.database(), clock=SystemClock(), kept=timedelta(days=days))


shared.forgotten_on_close(usage_store.cache_clear)
