"""The servers of the chaos suite: everything that it breaks is its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.stores.rabbitmq import LocalRabbitMq, rabbitmq_installed, rabbitmq_program
from tests.integration.chaos.backbones import Backbone, eventbridge_backbone, rabbitmq_backbone
from tests.integration.chaos.database import Books, Server, books_server, new_books
from tests.integration.stores import Postgres, state_folder


@pytest_asyncio.fixture(scope="session")
async def server() -> AsyncIterator[tuple[Server, Postgres]]:
    async with books_server() as running:
        yield running


@pytest_asyncio.fixture
async def books(server: tuple[Server, Postgres]) -> AsyncIterator[Books]:
    """An empty outbox, an empty inbox, and no effects yet."""
    async with new_books(*server) as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def broker() -> AsyncIterator[LocalRabbitMq | None]:
    """A RabbitMQ of this suite's own, where the machine has one to start."""
    if not rabbitmq_installed():
        yield None
        return
    state = state_folder()
    running = LocalRabbitMq(state, rabbitmq_program())
    try:
        await running.start()
        yield running
    finally:
        await running.stop()
        await asyncio.to_thread(shutil.rmtree, state)


@pytest_asyncio.fixture(params=["eventbridge", *(["rabbitmq"] if rabbitmq_installed() else [])])
async def backbone(
    request: pytest.FixtureRequest, moto_url: str, broker: LocalRabbitMq | None
) -> AsyncIterator[Backbone]:
    """A bus that makes mistakes."""
    if request.param == "eventbridge" or broker is None:
        async with eventbridge_backbone(moto_url) as on_eventbridge:
            yield on_eventbridge
    else:
        async with rabbitmq_backbone(broker, broker.url) as on_rabbitmq:
            yield on_rabbitmq
