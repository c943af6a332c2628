"""A post office for each test. What other tests left due is not this one's: everything due is sent before and after."""

from collections.abc import AsyncIterator

import pytest_asyncio

from llmo_data.postgres import Database
from tests.integration.notification.messages.post_office import PostOffice, Vendor


@pytest_asyncio.fixture
async def office(notification_database: Database) -> AsyncIterator[PostOffice]:
    """A post office."""
    await _emptied(PostOffice(notification_database))
    made = PostOffice(notification_database)
    yield made
    await _emptied(made)


async def _emptied(office: PostOffice) -> None:
    office.clock.advance(days=400)
    await office.send(Vendor())
