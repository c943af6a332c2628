"""A message of an organization's that was sent, and one about a person."""

from collections.abc import AsyncIterator

import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.notification.messages.post_office import PostOffice, Vendor


@pytest_asyncio.fixture
async def office(notification_database: Database) -> AsyncIterator[PostOffice]:
    """A post office; what a test left due is sent at its end."""
    made = PostOffice(notification_database)
    yield made
    made.clock.advance(days=400)
    await made.send(Vendor())
