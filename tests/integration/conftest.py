"""Stores and organizations for every integration test.

A session (each xdist worker) has a database of its own; tests make new organizations in it, so that they need no
cleaning and run side by side.
"""

import os
from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio
from psycopg.conninfo import make_conninfo
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from llmo_core.ids import new_id
from llmo_data import redis
from llmo_data.postgres import Database
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres, migrated_database, mongodb_server, postgres_server, redis_server


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
    async with AsyncMongoClient[dict[str, object]](mongodb_uri) as client:
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
async def make_org(postgres: Postgres) -> AsyncIterator[MakeOrg]:
    """Creates an organization with a project and a key: `org = await make_org(requests_per_minute=5)`."""
    connection = await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin), autocommit=True)
    yield MakeOrg(connection)
    await connection.close()
