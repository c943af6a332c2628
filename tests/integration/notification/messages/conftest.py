"""A post office for each test. What other tests left due is not this one's: everything due is sent first."""

from collections.abc import AsyncIterator

import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.notification.messages.post_office import PostOffice, Vendor


@pytest_asyncio.fixture
async def office(notification_database: Database) -> AsyncIterator[PostOffice]:
    """A post office."""
    made = PostOffice(notification_database)
    yield made
    made.clock.advance(days=400)
    await made.send(Vendor())
