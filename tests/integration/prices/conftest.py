"""The price refresh on real stores, with a server over TLS as its source."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from aiohttp import web
from psycopg.conninfo import make_conninfo
from redis.asyncio import Redis

from integration.price_tables.service import PriceRefresh
from integration.price_tables.settings import PriceRefreshSettings
from integration.price_tables.wiring import price_refresh
from local.generate.prices import document
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.certificates import certified
from tests.integration.stores import Postgres

type Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Published = list[dict[str, Any]]

PACKAGED = document()


class Source:
    """Where prices are published: `document` is what it answers, unless `answer` says otherwise."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self.url = url
        self.trust = trust
        self.document: object = PACKAGED
        self.answer: Answering | None = None

    def publish(self, change: Callable[[Published], object]) -> None:
        """Publish what the package has, changed."""
        changed = deepcopy(PACKAGED)
        change(changed)
        self.document = changed

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.answer is not None:
            return await self.answer(request)
        return web.Response(body=json.dumps(self.document))


def price_of(published: Published, provider: str, model: str) -> dict[str, Any]:
    """The prices of a model that has no others."""
    (models,) = [each["models"] for each in published if each["id"] == provider]
    (found,) = [each for each in models if each["id"] == model]
    prices: dict[str, Any] = found["prices"]
    return prices


@pytest_asyncio.fixture
async def source(tmp_path: Path) -> AsyncIterator[Source]:
    server, client = certified("localhost", tmp_path)
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    given = Source("", client)
    app.router.add_get("/data.json", given.handle)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
    given.url = f"https://localhost:{runner.addresses[0][1]}/data.json"
    yield given
    await runner.cleanup()


@pytest.fixture(autouse=True)
def admin(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """PostgreSQL without row-level security; what a test stored is deleted behind it."""
    with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
        yield connection
        connection.execute("DELETE FROM integration.price_tables")


@pytest_asyncio.fixture(autouse=True)
async def _nothing_stays_in_redis(redis_client: Redis) -> AsyncIterator[None]:
    yield
    await redis_client.delete("price_tables:1")


@pytest.fixture
def settings(lambda_environment: pytest.MonkeyPatch, postgres: Postgres, source: Source) -> PriceRefreshSettings:
    """What the function is told."""
    for name, value in {**postgres.environment("llmo_integration"), "PRICES_URL": source.url}.items():
        lambda_environment.setenv(name, value)
    return PriceRefreshSettings.model_validate({})


type Refreshing = Callable[[], AbstractAsyncContextManager[PriceRefresh]]


@pytest.fixture
def refreshing(settings: PriceRefreshSettings, source: Source) -> Refreshing:
    """Gives the refresh, wired as the function does it, but trusting the test's source."""

    @asynccontextmanager
    async def given() -> AsyncIterator[PriceRefresh]:
        async with price_refresh(settings, tls=source.trust) as refresh:
            yield refresh

    return given


@pytest.fixture
def announced(secrets: FakeSecretsManager) -> Callable[[], list[dict[str, Any]]]:
    """Gives the events about prices since the test began."""
    before = len(secrets.events)

    def events() -> list[dict[str, Any]]:
        return [event for event in secrets.events[before:] if event["type"] == "llmo.integration.prices.refreshed"]

    return events
