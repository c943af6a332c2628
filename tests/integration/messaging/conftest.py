"""The buses that the contract suite runs against: RabbitMQ's half exists where a broker answers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.messaging.backbones import Backbone, RabbitMqBackbone, eventbridge_backbone, rabbitmq_backbone
from tests.integration.messaging.broker import rabbitmq_answers

_RABBITMQ = rabbitmq_answers()
collect_ignore = [] if _RABBITMQ else ["test_rabbitmq.py", "test_rabbitmq_trigger.py", "test_rabbitmq_dlq.py"]


@pytest_asyncio.fixture(params=["eventbridge", *(["rabbitmq"] if _RABBITMQ else [])])
async def backbone(request: pytest.FixtureRequest, moto_url: str) -> AsyncIterator[Backbone]:
    """A bus, behind a proxy, on which nobody else publishes."""
    if request.param == "eventbridge":
        async with eventbridge_backbone(moto_url) as on_eventbridge:
            yield on_eventbridge
    else:
        async with rabbitmq_backbone(moto_url) as on_rabbitmq:
            yield on_rabbitmq


@pytest_asyncio.fixture
async def rabbitmq(moto_url: str) -> AsyncIterator[RabbitMqBackbone]:
    """RabbitMQ's half alone."""
    async with rabbitmq_backbone(moto_url) as running:
        yield running
