"""Composition root. The database stays connected from run to run; the bus is made anew with each."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache

from llmo_core.clock import SystemClock
from llmo_data.postgres import Database
from llmo_messaging.configured import ConfiguredBus
from relay.repository import PostgresSchemas
from relay.service import Relay
from relay.settings import RelaySettings


@cache
def _settings() -> RelaySettings:
    return RelaySettings.model_validate({})


@cache
def _database() -> Database:
    return Database(_settings().conninfo())


@asynccontextmanager
async def relay(time_left: Callable[[], timedelta]) -> AsyncIterator[Relay]:
    """The relay for one run, which may take as long as `time_left` says."""
    bus = ConfiguredBus(_settings().bus())
    try:
        schemas = PostgresSchemas(_database(), lambda: bus)
        yield Relay(schemas=schemas, clock=SystemClock(), time_left=time_left)
    finally:
        await bus.close()


async def close() -> None:
    """Close the connections and forget the adapters; the next run makes new ones."""
    if _database.cache_info().currsize:
        await _database().close()
    for made in (_settings, _database):
        made.cache_clear()
