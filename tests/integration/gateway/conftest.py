"""The gateway under uvicorn, on real stores, between a fake provider and a fake bus."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web
from redis.asyncio import Redis

from integration.billing_terms.service import BillingTerms
from integration.gateway.app import GatewayApp
from integration.gateway.wiring import Wired
from integration.live.models import Begun
from integration.live.repository import PostgresOrganizations
from integration.live.service import Watching
from integration.live.store import RedisLiveCalls
from llmo_core.ids import new_id_text
from llmo_data import redis as redis_client
from llmo_data.postgres import Database
from local.vendors.openai_journal import Journal
from local.vendors.openai_upstream import JOURNAL, make_app
from tests.fakes.eventbridge import FakeEventBridge, running_eventbridge
from tests.integration.gateway.calling import Caller
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring
from tests.integration.gateway.meaning import Asker
from tests.integration.gateway.platform import FILES_BUCKET, MovableClock, Platform, serving, settings_for
from tests.integration.gateway.scripted import Scripted, scripted
from tests.integration.gateway.telling import Billing, billing_terms
from tests.integration.gateway.watching import Begin, HandTimer, Watcher
from tests.integration.messaging.backbones import aws_client
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import Postgres

type RunGateway = Callable[..., AbstractAsyncContextManager[Platform]]


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
        settings = settings_for(provider[0], bus, conninfo)

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


@pytest_asyncio.fixture
async def set_up(make_org: MakeOrg, redis_client: Redis, org: Org) -> SetUp:
    """What the test's organization sets up."""
    return SetUp(make_org.connection, redis_client, org)


@pytest_asyncio.fixture
async def first(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider `one` with the model `small`, a dollar for each call."""
    async with scripted("first") as provider:
        await set_up.provider("one", provider.url)
        await set_up.model("small", "one", price="1")
        yield provider


@pytest_asyncio.fixture
async def second(set_up: SetUp) -> AsyncIterator[Scripted]:
    """Its provider `two` with the model `large`, three dollars for each call."""
    async with scripted("second") as provider:
        await set_up.provider("two", provider.url)
        await set_up.model("large", "two", price="3")
        yield provider


@pytest_asyncio.fixture
async def embedder(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider `meaning`, to whose model `meanings` all texts mean the same, ten cents a call."""
    async with scripted("meaning") as provider:
        await set_up.provider("meaning", provider.url)
        await set_up.model("meanings", "meaning", price="0.1")
        yield provider


@pytest.fixture
def asker(platform: Platform, set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> Asker:
    monkeypatch.setattr(platform.wired._embedder, "_deadline", 2.0)  # a machine with much to do is no slow embedder
    return Asker(platform, set_up.org)


@pytest.fixture
def caller(platform: Platform, set_up: SetUp) -> Caller:
    return Caller(platform, set_up)


@pytest_asyncio.fixture(scope="session")
async def live_redis(redis_url: str) -> AsyncIterator[Redis]:
    client = redis_client.connect(redis_url, max_connections=50)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(scope="session")
async def organizations(postgres: Postgres) -> AsyncIterator[PostgresOrganizations]:
    database = Database(postgres.conninfo("llmo_integration"), max_connections=4)
    yield PostgresOrganizations(database)
    await database.close()


@pytest.fixture
def timer() -> HandTimer:
    return HandTimer()


@pytest.fixture
def watching(live_redis: Redis, organizations: PostgresOrganizations, timer: HandTimer) -> Watching:
    calls = RedisLiveCalls(live_redis, clock=MovableClock())
    return Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)


@pytest.fixture
def begin(watching: Watching) -> Begin:
    """Begins to watch an organization's calls."""

    async def begun(org: Org, **options: Any) -> Watcher:
        options = {"actor_id": uuid4(), "own_project": None, "wanted": None, "last_seen": None, **options}
        watcher = Watcher(watching, await watching.begin(org.org_id, **options))
        assert isinstance(await watcher.next(), Begun)
        return watcher

    return begun


@pytest_asyncio.fixture
async def deferring(platform: Platform) -> AsyncIterator[Deferring]:
    """The worker of batches, over the stores of the shared gateway."""
    made = Deferring(platform)
    yield made
    await made.wired.close()


@pytest_asyncio.fixture
async def own_provider(set_up: SetUp) -> AsyncIterator[Scripted]:
    """A provider of the organization's own, without batches; its calls cost a dollar."""
    async with scripted("own") as made:
        await set_up.provider("own", made.url)
        await set_up.model("fast", "own")
        yield made


@pytest_asyncio.fixture(scope="session")
async def told(postgres: Postgres, redis_url: str) -> AsyncIterator[BillingTerms]:
    """What takes what billing tells."""
    async with billing_terms(postgres, redis_url) as made:
        yield made


@pytest.fixture
def billing(told: BillingTerms, org: Org) -> Billing:
    """Billing, that tells of the test's organization."""
    return Billing(told, org)
