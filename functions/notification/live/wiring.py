"""Composition root, made once per process at the first request."""

from time import monotonic

from redis.asyncio import Redis

from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id_text
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from notification.live.service import WatchingInboxes
from notification.live.settings import LiveSettings
from notification.live.store import RedisLiveInboxes

# On Lambda a process has one watcher; on a laptop all of them.
_MOST_CONNECTIONS = 200
parts = Composition()
once, close = parts.once, parts.close


@once
def _redis() -> Redis:
    url = read_secret(LiveSettings.model_validate({}).redis_url_secret)
    return parts.closing(redis_client.connect(url, max_connections=_MOST_CONNECTIONS), Redis.aclose)


@once
def _watching() -> WatchingInboxes:
    return WatchingInboxes(
        inboxes=RedisLiveInboxes(_redis(), clock=SystemClock()), timer=monotonic, new_watcher=new_id_text
    )


async def watching() -> WatchingInboxes:
    """The use case of watching inboxes."""
    return _watching()
