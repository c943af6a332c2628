"""The gateway under uvicorn, on real stores, between a fake provider and a fake bus."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import uvicorn
from aiohttp import web
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from redis.asyncio import Redis

from integration.gateway.app import GatewayApp
from integration.gateway.settings import GatewaySettings, SweeperSettings
from integration.gateway.wiring import SweeperWired, Wired
from llmo_core.aws import JsonService
from llmo_messaging.configured import BusSettings
from local.vendors.openai_journal import Journal
from local.vendors.openai_upstream import JOURNAL, make_app
from tests.fakes.eventbridge import FakeEventBridge, running_eventbridge
from tests.integration.gateway.configuring import SetUp
from tests.integration.messaging.backbones import aws_client
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import Postgres

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
FILES_BUCKET = "llmo-test-files"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello"}]
type RunGateway = Callable[..., AbstractAsyncContextManager["Platform"]]


class MovableClock:
    """The machine's time, plus what a test adds to it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        self._ahead = timedelta()


@dataclass
class Platform:
    """A running gateway and what surrounds it."""

    url: str
    bus: FakeEventBridge
    provider: Journal
    redis: Redis
    settings: GatewaySettings
    secrets: dict[str, str]
    clock: MovableClock
    app: GatewayApp
    _clients: list[AsyncOpenAI] = field(default_factory=list)

    @property
    def wired(self) -> Wired:
        """The running gateway's own parts."""
        assert self.app.wired is not None
        return self.app.wired

    def client(self, org: Org) -> AsyncOpenAI:
        """OpenAI's own client, as a user of the gateway has it."""
        return self.client_with(org.api_key)

    def client_with(self, api_key: str) -> AsyncOpenAI:
        """OpenAI's own client with any key."""
        client = AsyncOpenAI(base_url=f"{self.url}/v1", api_key=api_key, max_retries=0)
        self._clients.append(client)
        return client

    def usage(self, org: Org) -> list[dict[str, Any]]:
        """An organization's usage events."""
        events = self.bus.events_of(org.org_id)
        return [event for event in events if event["type"] == "llmo.integration.usage.recorded"]

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.close()

    async def until_admitted(self, org: Org) -> None:
        """Wait until a call of the organization holds something; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while not await self.redis.zcard(f"{{{org.org_ref}}}:holds"):
                pass  # asking takes a round trip

    async def until_idle(self, org: Org) -> None:
        """Wait until no call of the organization holds anything; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while await self.redis.zcard(f"{{{org.org_ref}}}:holds"):
                pass  # asking takes a round trip

    async def until_following(self, count: int) -> None:
        """Wait until so many calls wait for another one; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while self.wired.admissions.following < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)

    async def sweep(self) -> tuple[int, int]:
        """Run the sweeper once: holds released, events published."""
        settings = SweeperSettings(self.settings.redis_url_secret, self.settings.bus)
        wired = SweeperWired(settings, secret=self.secrets.__getitem__, clock=self.clock)
        swept = await wired.sweep()
        await wired.close()
        return swept.holds_released, swept.events_published


@pytest_asyncio.fixture(scope="session")
async def provider() -> AsyncIterator[tuple[str, Journal]]:
    app = make_app()
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", app[JOURNAL]
    await runner.cleanup()


@pytest_asyncio.fixture(scope="session")
async def bus() -> AsyncIterator[FakeEventBridge]:
    async with running_eventbridge() as fake:
        yield fake


@pytest.fixture
def files_bucket(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bucket with the contents of files, on moto's S3; gives a client of that."""
    for name, value in {"AWS_ENDPOINT_URL_S3": moto_url, "AWS_DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    client = aws_client("s3", moto_url)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=FILES_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


@pytest_asyncio.fixture(scope="session")
async def run_gateway(
    postgres: Postgres,
    redis_url: str,
    redis_client: Redis,
    provider: tuple[str, Journal],
    bus: FakeEventBridge,
) -> AsyncIterator[RunGateway]:
    """Starts gateways: `async with run_gateway(usage_publish="background") as platform`."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        conninfo = postgres.conninfo("llmo_integration")
        all_secrets = {
            "redis": redis_url,
            "pepper": PEPPER,
            "upstream": "sk-provider",
            "password": str(conninfo.get("password", "")),
        }
        settings = GatewaySettings(
            redis_url_secret="redis",
            api_key_pepper_secret="pepper",
            upstream_base_url=provider[0],
            upstream_api_key_secret="upstream",
            upstream_read_seconds=30,
            allow_private_providers=True,
            data_key_arn=KEY_ARN,
            key_service=JsonService("kms", "TrentService", "eu-west-1", "http://127.0.0.1:1"),
            model_prices={"house-model": {"input_mtok": "1", "output_mtok": "2"}},
            bus=BusSettings(
                kind="eventbridge",
                stage="test",
                event_bus_name="llmo-test",
                events=JsonService("events", "AWSEvents", "eu-west-1", bus.url),
                rabbitmq_url_secret="",
                claims_bucket="llmo-test-claims",
            ),
            usage_publish="await",
            database=conninfo,
            database_password_secret="password",
            files_bucket=FILES_BUCKET,
        )

        @asynccontextmanager
        async def run(*, secrets: dict[str, str] | None = None, **changes: Any) -> AsyncIterator[Platform]:
            changed = replace(settings, **changes)
            known = {**all_secrets, **(secrets or {})}
            clock = MovableClock()
            app = GatewayApp(lambda: Wired(changed, secret=known.__getitem__, clock=clock))
            async with serving(app) as url:
                platform = Platform(url, bus, provider[1], redis_client, changed, known, clock, app)
                yield platform
                await platform.close()

        yield run


@pytest_asyncio.fixture(scope="session")
async def platform(run_gateway: RunGateway) -> AsyncIterator[Platform]:
    """A gateway that publishes every call's event before its answer ends, as on Lambda."""
    async with run_gateway() as platform:
        yield platform


@pytest.fixture(autouse=True)
def _clock_is_put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that moves the shared gateway's clock moves it for itself alone."""
    yield
    if "platform" in request.fixturenames:
        request.getfixturevalue("platform").clock.reset()


@pytest_asyncio.fixture(scope="session")
async def impatient(run_gateway: RunGateway) -> AsyncIterator[Platform]:
    """A gateway that waits for the provider no longer than a quarter of a second."""
    async with run_gateway(upstream_read_seconds=0.25) as platform:
        yield platform


@pytest_asyncio.fixture
async def org(make_org: MakeOrg) -> Org:
    return await make_org()


@asynccontextmanager
async def serving(app: GatewayApp) -> AsyncIterator[str]:
    """The app under uvicorn on a free port; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession() as session, session.get(f"{url}/healthz") as response:
        assert response.status == 200
    yield url
    server.should_exit = True
    await running


@pytest_asyncio.fixture
async def set_up(make_org: MakeOrg, redis_client: Redis, org: Org) -> SetUp:
    """What the test's organization sets up."""
    return SetUp(make_org.connection, redis_client, org)
