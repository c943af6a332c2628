"""Each bus and its trigger, as a worker process uses them."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from llmo_core.aws import Credentials, JsonService
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope
from llmo_messaging.eventbridge import EventBridgeBus
from llmo_messaging.rabbitmq import RabbitMqBus
from local.stack import QueueTrigger, RabbitMqTrigger
from local.triggers.queues import QueuePoller
from local.triggers.rabbitmq import RabbitMqConsumer
from local.triggers.schedules import Functions
from local.triggers.sqs_client import SqsClient
from tests.integration.chaos.settings import EventBridgeTransport, RabbitMqTransport

REGION = "eu-west-1"
BATCH = 100


class UnreliableBus:
    """Publishes now and then nothing, now and then twice, and now and then says of what it published that it did not.

    Args:
        seed: Decides when.
    """

    def __init__(self, bus: EventBus, seed: int) -> None:
        self._bus = bus
        self._random = random.Random(seed)  # noqa: S311 - faults, not secrets

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Publish, more or less."""
        chance = self._random.random()
        if chance < 0.02:
            raise PublishFailed("refused, as planned")
        if chance < 0.07:
            await self._bus.publish(events)
        await self._bus.publish(events)
        if chance > 0.98:
            raise PublishFailed("taken, but not confirmed, as planned")


@asynccontextmanager
async def running_bus(transport: EventBridgeTransport | RabbitMqTransport, seed: int | None) -> AsyncIterator[EventBus]:
    """The bus, with its faults: EventBridge's are those of the server that stands before it, RabbitMQ's the seed's."""
    if isinstance(transport, RabbitMqTransport):
        rabbitmq = RabbitMqBus(url=transport.url, exchange=transport.exchange)
        yield rabbitmq if seed is None else UnreliableBus(rabbitmq, seed)
        await rabbitmq.close()
        return
    async with aiohttp.ClientSession() as session:
        yield EventBridgeBus(
            session=lambda: session,
            service=JsonService("events", "AWSEvents", REGION, transport.put_events_url),
            bus_name=transport.bus_name,
            credentials=lambda: Credentials("AKIA", "x"),
        )


@asynccontextmanager
async def running_trigger(
    transport: EventBridgeTransport | RabbitMqTransport, functions: Functions
) -> AsyncIterator[None]:
    """The laptop's trigger, which feeds the function from the queue."""
    if isinstance(transport, RabbitMqTransport):
        mapping = RabbitMqTrigger(
            transport.queue, "arn:aws:mq:::broker", "Consumer", batch_size=BATCH, window_seconds=1
        )
        consumer = RabbitMqConsumer(mapping, functions, transport.url)
        consumer.start()
        try:
            yield
        finally:
            await consumer.stop()
        return
    trigger = QueueTrigger(
        queue_url=transport.queue_url,
        queue_arn=transport.queue_arn,
        function="Consumer",
        batch_size=BATCH,
        window_seconds=1,
        partial_failures=True,
        visibility_seconds=transport.visibility_seconds,
        dead_letter_url=None,
        max_receive_count=0,
    )
    client = SqsClient(transport.sqs_url, REGION)
    await client.start()
    poller = QueuePoller(trigger, client, functions, retry_delay=lambda _count: 0)
    poller.start()
    try:
        yield
    finally:
        await poller.stop()
        await client.stop()
