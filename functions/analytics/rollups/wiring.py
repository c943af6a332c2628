"""Rollups with their adapters."""

from datetime import timedelta
from functools import cache

from analytics import wiring as shared
from analytics.erasures.wiring import erasures
from analytics.rollups.calls_repository import MongoCalls
from analytics.rollups.marks_repository import MongoMarks
from analytics.rollups.reading import Reading
from analytics.rollups.recording import Recording
from analytics.rollups.repository import MongoRollups
from analytics.rollups.service import Rolling
from analytics.settings import AnalyticsSettings
from analytics.usage.wiring import usage_store
from llmo_core.clock import SystemClock


@cache
def marks() -> MongoMarks:
    """What is to be rolled up."""
    return MongoMarks(shared.database())


@cache
def rollups() -> MongoRollups:
    """Where rollups are kept."""
    return MongoRollups(shared.database(), clock=SystemClock())


def recording() -> Recording:
    """The use case of calls that were reported."""
    return Recording(store=usage_store(), erasures=erasures(), marks=marks(), clock=SystemClock())


def rolling() -> Rolling:
    """The use case of rolling up."""
    calls = MongoCalls(shared.database())
    return Rolling(calls=calls, marks=marks(), rollups=rollups(), clock=SystemClock())


def reading() -> Reading:
    """What adds calls up."""
    return Reading(
        calls=MongoCalls(shared.database()),
        marks=marks(),
        rollups=rollups(),
        clock=SystemClock(),
        calls_kept=timedelta(days=AnalyticsSettings.model_validate({}).usage_retention_days),
    )


shared.forgotten_on_close(marks.cache_clear)
shared.forgotten_on_close(rollups.cache_clear)
