"""Questions with their adapters."""

from analytics.querying.forecasting import Forecasts
from analytics.querying.rolled_usage import RolledUsage
from analytics.querying.service import Answers
from analytics.rollups import wiring as rollups
from analytics.usage.service import UsageReports
from analytics.usage.wiring import usage_store
from llmo_core.clock import Clock, SystemClock


async def usage_reports() -> UsageReports:
    """The use cases of usage reports."""
    return UsageReports(store=RolledUsage(reading=rollups.reading(), calls=usage_store()))


async def answers() -> Answers:
    """The use case of questions."""
    return Answers(reading=rollups.reading())


async def forecasts() -> Forecasts:
    """The use case of forecasts."""
    return Forecasts(answers=await answers(), clock=SystemClock())


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()
