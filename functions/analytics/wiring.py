"""Composition root, made once per process at the first request."""

from functools import cache

from pymongo.asynchronous.database import AsyncDatabase

from analytics.repository import MongoUsageStore
from analytics.service import UsageReports
from analytics.settings import AnalyticsSettings, UsageConsumerSettings
from llmo_core.clock import Clock, SystemClock
from llmo_core.secrets import read_secret
from llmo_data import mongo
from llmo_data.mongo import Document
from llmo_messaging.claims import Claims, S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters


@cache
def _database() -> AsyncDatabase[Document]:
    settings = AnalyticsSettings.model_validate({})
    return mongo.connect(read_secret(settings.mongodb_uri_secret), settings.mongodb_database)


@cache
def usage_store() -> MongoUsageStore:
    """Where usage is kept."""
    return MongoUsageStore(_database())


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(UsageConsumerSettings.model_validate({}))


def claims() -> Claims:
    """Where the data of large events is."""
    return S3Claims(UsageConsumerSettings.model_validate({}).claims_bucket)


async def usage_reports() -> UsageReports:
    """The use cases of usage reports."""
    return UsageReports(store=usage_store())


async def clock() -> Clock:
    """What time it is."""
    return SystemClock()


async def close() -> None:
    """Close every connection and forget the adapters; the next request makes new ones."""
    if _database.cache_info().currsize:
        await _database().client.close()
    _database.cache_clear()
    usage_store.cache_clear()
