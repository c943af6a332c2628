"""Composition root. A run a day is no reason to keep a connection: all are of one run."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integration.gateway.price_copies import RedisPriceCopies
from integration.price_tables.repository import PostgresPriceTables
from integration.price_tables.service import PriceRefresh
from integration.price_tables.settings import PriceRefreshSettings
from integration.price_tables.source import HttpsSource
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data.outbox import Outbox
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus

_SCHEMA = "integration"


@asynccontextmanager
async def price_refresh(
    settings: PriceRefreshSettings, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[PriceRefresh]:
    """The refresh for one run.

    Args:
        settings: Where everything is.
        tls: Whom the source is trusted by; the certificates of the system when left out.
    """
    clock = SystemClock()
    database = Database(settings.conninfo())
    redis = PipelinedRedis(read_secret(settings.redis_url_secret))
    bus = ConfiguredBus(settings.bus())
    try:
        yield PriceRefresh(
            source=HttpsSource(settings.prices_url, tls=tls),
            editions=PostgresPriceTables(database, source=settings.prices_url, clock=clock),
            copies=RedisPriceCopies(redis),
            events=Outbox(database=database, schema=_SCHEMA, bus=lambda: bus, clock=clock, new_id=new_id),
            transaction=database.transaction,
            clock=clock,
            new_id=new_id,
        )
    finally:
        await bus.close()
        await redis.aclose()
        await database.close()
