"""The gateway's composition root."""

import os
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from integration.gateway.admission import RedisAdmissions
from integration.gateway.announcer import AwaitingAnnouncer, BackgroundAnnouncer
from integration.gateway.catalog import ModelCatalog
from integration.gateway.idempotency import RedisRequests
from integration.gateway.leftovers import RedisLeftovers
from integration.gateway.once import OnceGateway
from integration.gateway.pricing import PriceTable
from integration.gateway.request_log import request_log
from integration.gateway.service import Gateway
from integration.gateway.settings import GatewaySettings, SweeperSettings
from integration.gateway.settlement import RedisSettlements
from integration.gateway.settling import Settler
from integration.gateway.sweep import Sweep, Swept
from integration.gateway.tokens import BpeTokenCounter
from integration.gateway.upstream import OpenAiUpstream
from llmo_core.clock import Clock, SystemClock
from llmo_core.ids import new_id
from llmo_core.secrets import read_secret
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.configured import ConfiguredBus

_STDOUT = 1  # unbuffered: Lambda may freeze the process right after the answer
_UPSTREAM_CONNECTIONS = 1000
_KEEPALIVE_SECONDS = 60


class Wired:
    """The gateway with its adapters, on the running event loop; `close` ends them in order.

    Args:
        secret: Gives a secret's value by its name.
        clock: The time that limits, budgets and events go by.
    """

    def __init__(
        self, settings: GatewaySettings, *, secret: Callable[[str], str] = read_secret, clock: Clock | None = None
    ) -> None:
        clock = clock or SystemClock()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_UPSTREAM_CONNECTIONS, keepalive_timeout=_KEEPALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._redis = PipelinedRedis(secret(settings.redis_url_secret))
        self._records = LazyKeys(settings, secret)
        self.settlements = RedisSettlements(self._redis, clock=clock)
        self.admissions = RedisAdmissions(
            self._redis,
            records=self._records,
            settlements=self.settlements,
            pepper=secret(settings.api_key_pepper_secret).encode(),
            clock=clock,
            timer=time.monotonic,
        )
        self._bus = ConfiguredBus(
            settings.bus,
            session=lambda: self._session,
            secret=secret,
            attempts=2,  # the journal and the sweeper are there for longer outages; the client is waiting
        )
        kind = BackgroundAnnouncer if settings.usage_publish == "background" else AwaitingAnnouncer
        self._announcer = kind(self._bus, self.settlements.forget)
        prices = PriceTable(settings.model_prices, today=lambda: clock.now().date())
        upstream = OpenAiUpstream(
            session=lambda: self._session,
            base_url=settings.upstream_base_url,
            api_key=secret(settings.upstream_api_key_secret),
            read_seconds=settings.upstream_read_seconds,
        )
        settler = Settler(
            settlements=self.settlements,
            announcer=self._announcer,
            tokens=BpeTokenCounter(),
            timer=time.perf_counter,
            observe=request_log(lambda line: os.write(_STDOUT, line)),
        )
        self.gateway = Gateway(
            admissions=self.admissions,
            upstream=upstream,
            settler=settler,
            prices=prices,
            clock=clock,
            new_id=new_id,
            timer=time.perf_counter,
        )
        self.once = OnceGateway(self.gateway, RedisRequests(self._redis))
        self.catalog = ModelCatalog(upstream, knows=prices.knows, timer=time.monotonic)

    async def announced(self) -> None:
        """Return when no usage event is queued any more."""
        if isinstance(self._announcer, BackgroundAnnouncer):
            await self._announcer.drained()

    async def close(self) -> None:
        """Publish what is queued, then close every connection."""
        await self.announced()
        await self._bus.close()
        await self._session.close()
        await self._redis.aclose()
        await self._records.close()


class SweeperWired:
    """The sweeper with its adapters. Its connections to the bus are those of one run."""

    def __init__(
        self, settings: SweeperSettings, *, secret: Callable[[str], str] = read_secret, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._redis = PipelinedRedis(secret(settings.redis_url_secret))
        settlements = RedisSettlements(self._redis, clock=self._clock)
        self._leftovers = RedisLeftovers(self._redis, settlements)
        self._bus = ConfiguredBus(settings.bus, secret=secret)

    async def sweep(self) -> Swept:
        """Sweep every active organization once."""
        try:
            return await Sweep(leftovers=self._leftovers, bus=self._bus, clock=self._clock).run()
        finally:
            await self._bus.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()


class LazyKeys:
    """Keys in PostgreSQL, connected at the first key that Redis does not know: most cold starts never need it."""

    def __init__(self, settings: GatewaySettings, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._secret = secret
        self._opened: tuple[Any, Any] | None = None

    async def find(self, digest: str) -> dict[str, Any] | None:
        """The admission record of a key; see PostgresKeys."""
        if self._opened is None:
            from integration.gateway.keys import PostgresKeys  # noqa: PLC0415 - a fifth of a second on a cold start
            from llmo_data.postgres import Database  # noqa: PLC0415 - as above

            database = Database(self._conninfo(), max_connections=4)
            self._opened = (database, PostgresKeys(database))
        record: dict[str, Any] | None = await self._opened[1].find(digest)
        return record

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._opened is not None:
            await self._opened[0].close()

    def _conninfo(self) -> dict[str, str | int]:
        return {**self._settings.database, "password": self._secret(self._settings.database_password_secret)}
