"""Watching with its adapters."""

import asyncio

from analytics import wiring as shared
from analytics.live.repository import MongoWatchers
from analytics.live.service import LastMinute, Watching, most_watchers
from analytics.querying.wiring import answers
from analytics.settings import LiveSettings
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id_text


async def last_minute() -> LastMinute:
    """The use case of the last minute."""
    return LastMinute(answers=await answers(), clock=SystemClock())


async def watching() -> Watching:
    """The use case of watching it."""
    return Watching(
        last_minute=await last_minute(),
        watchers=MongoWatchers(shared.database()),
        clock=SystemClock(),
        most=most_watchers(LiveSettings.model_validate({}).live_concurrency),
        pause=asyncio.sleep,
        new_watcher=new_id_text,
    )
