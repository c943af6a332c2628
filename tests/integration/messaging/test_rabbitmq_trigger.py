"""The laptop's event source mapping of RabbitMQ, against a real broker."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
import pytest_asyncio

from llmo_core.ids import new_id
from llmo_messaging.rabbitmq import ConsumerQueue, declare
from local.runtime.models import Invocation
from local.stack import RabbitMqTrigger
from local.triggers.rabbitmq import RabbitMqConsumer, growing_pause
from tests.integration.messaging.backbones import RabbitMqBackbone

ARN = "arn:aws:mq:eu-west-1:123456789012:broker:llmo:b-1"
TYPE = "llmo.tests.thing.counted"


class Function:
    """Keeps what it is invoked with; fails while there is anything poisonous in a batch."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.poison: set[str] = set()

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert (function, trace_id) == ("ConsumerFunction", None)
        event = json.loads(payload)
        self.events.put_nowait(event)
        return Invocation("r", b"{}", "Unhandled" if self.poison & set(bodies(event)) else None)


def messages(event: dict[str, Any]) -> list[dict[str, Any]]:
    (batch,) = event["rmqMessagesByQueue"].values()
    found: list[dict[str, Any]] = batch
    return found


def bodies(event: dict[str, Any]) -> list[str]:
    return [base64.b64decode(message["data"]).decode() for message in messages(event)]


@pytest_asyncio.fixture
async def queue(rabbitmq: RabbitMqBackbone) -> ConsumerQueue:
    made = ConsumerQueue(f"{rabbitmq.exchange}.{new_id().hex}", (TYPE,))
    rabbitmq.queues.append(made)
    await declare(rabbitmq.url, rabbitmq.exchange, [made])
    return made


@pytest.fixture
def function() -> Function:
    return Function()


@pytest_asyncio.fixture
async def consumer(
    rabbitmq: RabbitMqBackbone, queue: ConsumerQueue, function: Function
) -> AsyncIterator[RabbitMqConsumer]:
    trigger = RabbitMqTrigger(queue.name, ARN, "ConsumerFunction", batch_size=10, window_seconds=5)
    running = RabbitMqConsumer(trigger, function, rabbitmq.url, retry_pause=lambda _: 0)
    running.start()
    yield running
    await running.stop()


async def send(rabbitmq: RabbitMqBackbone, *texts: str, **properties: Any) -> None:
    exchange = await rabbitmq.channel.get_exchange(rabbitmq.exchange)
    for text in texts:
        await exchange.publish(aio_pika.Message(text.encode(), **properties), routing_key=TYPE)


async def left(rabbitmq: RabbitMqBackbone, queue: str) -> int:
    """How many messages are ready in a queue."""
    declared = await rabbitmq.channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


@pytest.mark.usefixtures("consumer")
async def test_a_function_is_invoked_with_the_event_that_lambda_makes(
    rabbitmq: RabbitMqBackbone, queue: ConsumerQueue, function: Function
) -> None:
    await send(rabbitmq, "hello", content_type="text/plain", message_id="m1", headers={"number": 10, "text": "hé"})

    event = await function.events.get()

    assert (event["eventSource"], event["eventSourceArn"]) == ("aws:rmq", ARN)
    (name,) = event["rmqMessagesByQueue"]
    assert name == f"{queue.name}::/"
    (message,) = messages(event)
    assert (message["redelivered"], message["data"]) == (False, "aGVsbG8=")
    properties = message["basicProperties"]
    assert (properties["contentType"], properties["messageId"], properties["bodySize"]) == ("text/plain", "m1", 5)
    assert properties["headers"] == {"number": 10, "text": {"bytes": [104, 195, 169]}}


async def test_waiting_messages_come_in_batches_and_are_gone_afterwards(
    rabbitmq: RabbitMqBackbone, queue: ConsumerQueue, function: Function, consumer: RabbitMqConsumer
) -> None:
    await send(rabbitmq, *map(str, range(25)))

    seen: list[str] = []
    while len(seen) < 25:
        batch = bodies(await function.events.get())
        assert len(batch) <= 10
        seen += batch
    await consumer.stop()

    assert sorted(seen, key=int) == [str(number) for number in range(25)]
    assert await left(rabbitmq, queue.name) == 0


@pytest.mark.usefixtures("consumer")
async def test_a_batch_that_fails_comes_again_and_is_dead_after_the_queues_limit(
    rabbitmq: RabbitMqBackbone, queue: ConsumerQueue, function: Function
) -> None:
    function.poison = {"bad"}
    await send(rabbitmq, "bad")

    redelivered = [messages(await function.events.get())[0]["redelivered"] for _ in range(rabbitmq.deliveries)]

    assert redelivered == [False] + [True] * (rabbitmq.deliveries - 1)
    dead = await rabbitmq.channel.get_queue(queue.dead_letter_queue)
    async with asyncio.timeout(5), dead.iterator() as letters:
        async for letter in letters:
            assert letter.body == b"bad"
            await letter.ack()
            break
    assert function.events.empty()


async def test_after_a_lost_connection_consuming_goes_on(
    rabbitmq: RabbitMqBackbone, function: Function, consumer: RabbitMqConsumer
) -> None:
    await send(rabbitmq, "before")
    assert bodies(await function.events.get()) == ["before"]
    assert consumer.ready

    rabbitmq.proxy.cut()
    await send(rabbitmq, "after")

    seen: list[str] = []
    async with asyncio.timeout(10):
        while "after" not in seen:
            seen += bodies(await function.events.get())


async def test_the_broker_pushes_no_more_than_the_batches_under_way_can_hold(
    rabbitmq: RabbitMqBackbone, queue: ConsumerQueue
) -> None:
    class Busy(Function):
        free = asyncio.Event()

        async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
            answer = await super().invoke(function, payload, trace_id=trace_id)
            await self.free.wait()
            return answer

    busy = Busy()
    await send(rabbitmq, *map(str, range(50)))
    trigger = RabbitMqTrigger(queue.name, ARN, "ConsumerFunction", batch_size=10, window_seconds=5)
    consumer = RabbitMqConsumer(trigger, busy, rabbitmq.url)
    consumer.start()

    for _ in range(2):
        await busy.events.get()

    assert await left(rabbitmq, queue.name) == 30
    assert busy.events.empty()
    busy.free.set()
    await consumer.stop()


def test_a_failed_batch_waits_longer_each_time() -> None:
    assert [growing_pause(deliveries) for deliveries in range(6)] == [0.5, 1, 2, 4, 8, 8]
