"""Usage with its adapters."""

from functools import cache

from analytics import wiring as shared
from analytics.usage.repository import MongoUsageStore
from analytics.usage.service import UsageReports
from llmo_core.clock import Clock, SystemClock


@cache
def usage_store() -> MongoUsageStore:
    """Where usage is kept."""
    return MongoUsageStore(shared.database())


async def usage_reports() -> UsageReports:
    """The use cases of usage reports."""
    return UsageReports(store=usage_store())


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()


shared.forgotten_on_close(usage_store.cache_clear)
