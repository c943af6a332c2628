"""Composition root, made once per process at the first request."""

from time import monotonic

from redis.asyncio import Redis

from integration.live.repository import PostgresOrganizations
from integration.live.service import Watching
from integration.live.settings import LiveSettings
from integration.live.store import RedisLiveCalls
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.ids import new_id_text
from llmo_core.secrets import read_secret
from llmo_data import redis as redis_client
from llmo_data.postgres import Database

# On Lambda a process has one watcher; on a laptop all of them.
_MOST_CONNECTIONS = 200
parts = Composition()
once, close = parts.once, parts.close


@once
def _settings() -> LiveSettings:
    return LiveSettings.model_validate({})


@once
def _redis() -> Redis:
    url = read_secret(_settings().redis_url_secret)
    return parts.closing(redis_client.connect(url, max_connections=_MOST_CONNECTIONS), Redis.aclose)


@once
def _watching() -> Watching:
    database = parts.closing(Database(_settings().conninfo()), Database.close)
    return Watching(
        organizations=PostgresOrganizations(database),
        calls=RedisLiveCalls(_redis(), clock=SystemClock()),
        timer=monotonic,
        new_watcher=new_id_text,
    )


async def watching() -> Watching:
    """The use case of watching calls."""
    return _watching()
