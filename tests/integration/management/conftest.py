"""The management API over real stores, for every test of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from integration.management.api import app
from llmo_core.kms import Kms
from llmo_data import redis
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management, moto_kms
from tests.integration.management.receiving import Receiver, Worker, receiving
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def integration_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the integration service's role sees it."""
    database = Database(postgres.conninfo("llmo_integration"), max_connections=4)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def kms(moto_url: str) -> AsyncIterator[Kms]:
    async with moto_kms(moto_url) as made:
        yield made


@pytest.fixture
def management(
    integration_database: Database, redis_client: Redis, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> Management:
    """The use cases behind the API."""
    made = Management(integration_database, redis_client, kms)
    for dependency, value in made.overrides().items():
        monkeypatch.setitem(app.dependency_overrides, dependency, value)
    return made


@pytest.fixture
def caller(management: Management, org: Org) -> Caller:
    """Somebody who may manage models in an organization of their own."""
    return management.caller(org)


@pytest_asyncio.fixture
async def stranger(management: Management, make_org: MakeOrg) -> Caller:
    """The same of another organization."""
    return management.caller(await make_org())


@pytest_asyncio.fixture
async def redis_down() -> AsyncIterator[Redis]:
    """A Redis that does not answer."""
    client = redis.connect("redis://127.0.0.1:9/0")
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver of webhooks."""
    async with receiving() as made:
        yield made


@pytest.fixture
def worker(management: Management) -> Worker:
    """The worker of webhooks."""
    return Worker(management)
