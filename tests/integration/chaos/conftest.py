"""The servers of the chaos suite: everything that it breaks is its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.chaos.backbones import Backbone, eventbridge_backbone
from tests.integration.chaos.database import Books, Server, books_server, new_books
from tests.integration.stores import Postgres


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncIterator[tuple[Server, Postgres]]:
    async with books_server() as running:
        yield running


@pytest_asyncio.fixture
async def books(server: tuple[Server, Postgres]) -> AsyncIterator[Books]:
    """An empty outbox, an empty inbox, and no effects yet."""
    async with new_books(*server) as made:
        yield made


@pytest_asyncio.fixture(params=["eventbridge"])
async def backbone(request: pytest.FixtureRequest, moto_url: str) -> AsyncIterator[Backbone]:
    """A bus that makes mistakes."""
    del request
    async with eventbridge_backbone(moto_url) as on_eventbridge:
        yield on_eventbridge
