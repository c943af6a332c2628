"""The authorization server for every test of it."""

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from llmo_data.postgres import Database
from tests.integration.auth.oauth_server import Server, given, server


@pytest_asyncio.fixture
async def served(
    auth_database: Database, authorizer_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> Server:
    made, overrides = await server(auth_database, authorizer_database, redis_client)
    for dependency, value in overrides.items():
        monkeypatch.setitem(app.dependency_overrides, dependency, given(value))
    return made
