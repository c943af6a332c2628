"""What RabbitMQ's adapter promises beyond the contract of every bus, against a real broker."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest

from llmo_core.ids import new_id
from llmo_messaging.bus import PublishFailed
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.rabbitmq import RabbitMqBus, declare
from tests.integration.messaging.backbones import RabbitMqBackbone
from tests.integration.messaging.broker import RABBITMQ_URL


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int


def envelope(number: int = 1) -> Envelope:
    now = datetime(2026, 8, 17, tzinfo=UTC)
    return Envelope.of(Counted(number=number), event_id=new_id(), org_id=new_id(), time=now)


async def test_a_message_is_persistent_and_says_what_it_is(rabbitmq: RabbitMqBackbone) -> None:
    await rabbitmq.subscribe(Counted.event_type)
    event = envelope()

    await rabbitmq.bus.publish([event])

    queue = await rabbitmq.channel.get_queue(rabbitmq.queues[0].name)
    message = await queue.get()
    await message.ack()
    assert message.content_type == "application/cloudevents+json"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert (message.message_id, message.routing_key) == (str(event.id), Counted.event_type)
    assert Envelope.model_validate(json.loads(message.body)) == event


async def test_declaring_again_and_side_by_side_changes_nothing(rabbitmq: RabbitMqBackbone) -> None:
    subscription = await rabbitmq.subscribe(Counted.event_type)
    await rabbitmq.bus.publish([envelope()])

    await asyncio.gather(*(declare(RABBITMQ_URL, rabbitmq.exchange, rabbitmq.queues) for _ in range(5)))

    async def taken(deliveries: Any) -> None:
        assert len(deliveries) == 1

    assert await subscription.invoke(Consumer(Handler(Counted, taken))) == 1
    assert await subscription.invoke(Consumer(Handler(Counted, taken))) == 0


async def test_a_message_that_cannot_be_read_blocks_nothing_for_ever(rabbitmq: RabbitMqBackbone) -> None:
    subscription = await rabbitmq.subscribe(Counted.event_type)
    exchange = await rabbitmq.channel.get_exchange(rabbitmq.exchange)
    broken = aio_pika.Message(b'{"specversion": "0.3"}', delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await exchange.publish(broken, routing_key=Counted.event_type)
    good, later = envelope(1), envelope(2)
    await rabbitmq.bus.publish([good])
    handled: list[Envelope] = []

    async def keep(deliveries: Sequence[Delivery[Counted]]) -> None:
        handled.extend(delivery.envelope for delivery in deliveries)

    while await subscription.invoke(Consumer(Handler(Counted, keep))):
        pass
    dead = await subscription.dead_letters(2)
    await rabbitmq.bus.publish([later])
    await subscription.invoke(Consumer(Handler(Counted, keep)))

    assert {event.id for event in handled} == {good.id, later.id}
    assert {"specversion": "0.3"} in [letter.envelope for letter in dead]


async def test_a_broker_that_stops_answering_refuses_within_the_timeout(rabbitmq: RabbitMqBackbone) -> None:
    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    silent: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(silence, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bus = RabbitMqBus(url=f"amqp://127.0.0.1:{port}/", exchange=rabbitmq.exchange, timeout_seconds=0.2)

        with pytest.raises(PublishFailed, match=r"not confirmed in 0\.2 s"):
            await bus.publish([envelope()])

        for writer in silent:
            writer.transport.abort()
    await bus.close()


async def test_a_connection_that_went_silent_is_given_up_and_replaced(rabbitmq: RabbitMqBackbone) -> None:
    bus = RabbitMqBus(url=rabbitmq.url, exchange=rabbitmq.exchange, timeout_seconds=0.3)
    await bus.publish([envelope()])
    rabbitmq.proxy.silence()

    async with asyncio.timeout(1):
        with pytest.raises(PublishFailed, match="not confirmed"):
            await bus.publish([envelope()])
        await bus.publish([envelope()])

    await bus.close()
