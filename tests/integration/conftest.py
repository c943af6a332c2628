"""Stores and organizations for every integration test.

A session (each xdist worker) has a database of its own; tests make new organizations in it, so that they need no
cleaning and run side by side.
"""

import os
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from llmo_core.ids import new_id
from llmo_data import redis
from llmo_data.postgres import Database
from local.aws.moto import MotoServer
from tests.fakes.secrets_manager import FakeSecretsManager, running_secrets_manager
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import (
    PASSWORD,
    PASSWORD_SECRET,
    Postgres,
    migrated_database,
    mongodb_server,
    postgres_server,
    redis_server,
)


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    async with postgres_server(os.environ) as admin, migrated_database(admin) as database:
        yield database


@pytest_asyncio.fixture(scope="session")
async def redis_url() -> AsyncIterator[str]:
    async with redis_server() as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def mongodb_uri() -> AsyncIterator[str]:
    async with mongodb_server() as uri:
        yield uri


@pytest_asyncio.fixture(scope="session")
async def mongodb_database(mongodb_uri: str) -> AsyncIterator[str]:
    """The name of this session's own MongoDB database."""
    name = f"llmo_test_{new_id().hex}"
    yield name
    async with AsyncMongoClient[dict[str, object]](mongodb_uri, serverMonitoringMode="poll") as client:
        await client.drop_database(name)


@pytest_asyncio.fixture(scope="session")
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    client = redis.connect(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(scope="session")
async def auth_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the auth service's role sees it."""
    database = Database(postgres.conninfo("llmo_auth"), max_connections=4)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def authorizer_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the authorizer's role sees it."""
    database = Database(postgres.conninfo("llmo_authorizer"), max_connections=4)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def make_org(postgres: Postgres) -> AsyncIterator[MakeOrg]:
    """Creates an organization with a project and a key: `org = await make_org(requests_per_minute=5)`."""
    connection = await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin), autocommit=True)
    yield MakeOrg(connection)
    await connection.close()


@pytest_asyncio.fixture
async def org(make_org: MakeOrg) -> Org:
    """An organization with one project and one key that may do everything, without limits."""
    return await make_org()


@pytest_asyncio.fixture(scope="session")
async def moto_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """An AWS stand-in with SQS, EventBridge and S3; tests make what they need under names of their own."""
    server = MotoServer(tmp_path_factory.mktemp("moto"))
    yield await server.start()
    await server.stop()


@pytest.fixture(scope="session")
def secrets(redis_url: str, mongodb_uri: str) -> Iterator[FakeSecretsManager]:
    """A Secrets Manager that has what the stores and API keys of these tests need."""
    held = {
        PASSWORD_SECRET: PASSWORD,
        "llmo-tests/redis-url": redis_url,
        "llmo-tests/mongodb-uri": mongodb_uri,
        "llmo-tests/api-key-pepper": PEPPER,
        "llmo-tests/signing-keys": "{}",
        "llmo-tests/identity-providers": "[]",
    }
    with running_secrets_manager(held) as fake:
        yield fake


@pytest.fixture
def lambda_environment(
    secrets: FakeSecretsManager, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """The variables that every function gets, for tests that go through a Lambda handler; add the function's own."""
    for name, value in {
        "STAGE": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": secrets.url,
        "REDIS_URL_SECRET": "llmo-tests/redis-url",
        "MONGODB_URI_SECRET": "llmo-tests/mongodb-uri",
        "MONGODB_DATABASE": mongodb_database,
        "API_KEY_PEPPER_SECRET": "llmo-tests/api-key-pepper",
        "SIGNING_KEYS_SECRET": "llmo-tests/signing-keys",
        "IDENTITY_PROVIDERS_SECRET": "llmo-tests/identity-providers",
        "PUBLIC_URL": "https://llmo.example",
        "WEB_EVENTS_PER_MINUTE": "60000",
        "SIGN_INS_PER_MINUTE": "10000",
        "EVENT_BUS_NAME": "llmo-test",
        "CLAIMS_BUCKET": "llmo-test-claims",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
