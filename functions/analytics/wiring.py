"""What every area's wiring shares, made once per process at the first request."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from pymongo.asynchronous.database import AsyncDatabase

from analytics.settings import StoreSettings, UsageConsumerSettings, WebEventSettings
from llmo_core.secrets import read_secret
from llmo_data import mongo
from llmo_data.mongo import Document
from llmo_messaging.claims import Claims, S3Claims
from llmo_messaging.configured import ConfiguredBus, configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters
from llmo_messaging.settings import PublisherSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

_made: list[Callable[[], None]] = []


@cache
def database() -> AsyncDatabase[Document]:
    """Where everything is kept."""
    settings = StoreSettings.model_validate({})
    return mongo.connect(read_secret(settings.mongodb_uri_secret), settings.mongodb_database)


@cache
def redis() -> "Redis":
    """The gateway's Redis, which also counts the events of web pages."""
    from llmo_data import redis as redis_client  # noqa: PLC0415 - a tenth of a second, which most functions never spend

    return redis_client.connect(read_secret(WebEventSettings.model_validate({}).redis_url_secret))


@cache
def bus() -> ConfiguredBus:
    """Where events are published."""
    return ConfiguredBus(PublisherSettings.model_validate({}).bus())


def forgotten_on_close(forget: Callable[[], None]) -> None:
    """Have what an area made over the database be forgotten with it: its `cache_clear`."""
    _made.append(forget)


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(UsageConsumerSettings.model_validate({}))


def claims() -> Claims:
    """Where the data of large events is."""
    return S3Claims(UsageConsumerSettings.model_validate({}).claims_bucket)


async def close() -> None:
    """Close every connection and forget the adapters; the next request makes new ones."""
    if database.cache_info().currsize:
        await database().client.close()
    database.cache_clear()
    if redis.cache_info().currsize:
        await redis().aclose()
    redis.cache_clear()
    if bus.cache_info().currsize:
        await bus().close()
    bus.cache_clear()
    for forget in _made:
        forget()
