"""The notification service over a real database, for every test of it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def notification_database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the notification service's role sees it."""
    database = Database(postgres.conninfo("llmo_notification"), max_connections=6)
    yield database
    await database.close()
