"""The authorization server, and an address that somebody registers, for every test of them."""

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from llmo_data.postgres import Database
from tests.integration.auth import registering
from tests.integration.auth.oauth_server import Server, given, server
from tests.integration.auth.registering import Desk
from tests.integration.auth.test_accounts import opened


@pytest_asyncio.fixture
async def served(
    auth_database: Database, authorizer_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> Server:
    made, overrides = await server(auth_database, authorizer_database, redis_client)
    for dependency, value in overrides.items():
        monkeypatch.setitem(app.dependency_overrides, dependency, given(value))
    return made


@pytest.fixture
def desk(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Desk:
    """An address that nobody registered yet."""
    return registering.desk(auth_database, authorizer_database, redis_client)


@pytest_asyncio.fixture
async def known(desk: Desk) -> Desk:
    """An address that has an account."""
    await opened(desk.database, desk.email)
    return desk
