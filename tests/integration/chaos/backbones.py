"""Each bus with one queue, from the test's side."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel

from llmo_core.ids import new_id
from llmo_messaging.rabbitmq import ConsumerQueue, declare
from local.stores.store import Store
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.put_events import UnreliablePutEvents, unreliable_put_events
from tests.integration.chaos.settings import EventBridgeTransport, RabbitMqTransport
from tests.integration.messaging.backbones import aws_client
from tests.integration.messaging.proxy import Proxy, running_proxy

VISIBILITY_SECONDS = 3
_SEED = 7


class Backbone(Protocol):
    """A bus that makes mistakes, and a queue that takes every event of usage."""

    @property
    def transport(self) -> EventBridgeTransport | RabbitMqTransport:
        """How to reach them."""
        ...

    async def waiting(self) -> int:
        """How many messages the queue holds; on RabbitMQ not those that a consumer has and did not acknowledge yet."""
        ...

    async def restart(self) -> None:
        """Restart the broker, where there is one."""
        ...

    def misbehaved(self) -> bool:
        """Whether every planned fault of this bus was made."""
        ...


class EventBridgeBackbone:
    """EventBridge and SQS of moto, behind a PutEvents that fails in part."""

    def __init__(self, put_events: UnreliablePutEvents, moto_url: str) -> None:
        self.put_events = put_events
        self._sqs = aws_client("sqs", moto_url)
        events, name = aws_client("events", moto_url), f"chaos-{new_id().hex}"
        visibility = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        self._queue_url = self._sqs.create_queue(QueueName=name, Attributes=visibility)["QueueUrl"]
        arn = self._attributes("QueueArn")["QueueArn"]
        events.create_event_bus(Name=name)
        pattern = json.dumps({"detail-type": [UsageMetered.event_type]})
        events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
        self.transport = EventBridgeTransport(
            put_events_url=put_events.url,
            sqs_url=moto_url,
            bus_name=name,
            queue_url=self._queue_url,
            queue_arn=arn,
            visibility_seconds=VISIBILITY_SECONDS,
        )

    async def waiting(self) -> int:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(map(int, (await asyncio.to_thread(self._attributes, *names)).values()))

    async def restart(self) -> None:
        """AWS does not restart."""

    def misbehaved(self) -> bool:
        return self.put_events.faults.keys() == {"in part", "refused", "unanswered"}

    def _attributes(self, *names: str) -> dict[str, Any]:
        found: dict[str, Any] = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=list(names))[
            "Attributes"
        ]
        return found


class RabbitMqBackbone:
    """A broker of this suite's own, behind a proxy whose connections are cut; its queue's dead letters are redriven.

    A dead letter is no lost event: the delivery limit counts every time that a consumer died or its database was away.
    """

    def __init__(self, broker: Store, proxy: Proxy, url: str) -> None:
        self._broker = broker
        self._proxy = proxy
        self._url = url
        self._restarts = 0
        exchange = f"llmo.chaos-{new_id().hex}"
        self.queue = ConsumerQueue(f"{exchange}.usage", (UsageMetered.event_type,))
        credentials = url.partition("@")[0]
        self.transport = RabbitMqTransport(
            url=f"{credentials}@127.0.0.1:{proxy.port}/", exchange=exchange, queue=self.queue.name
        )

    async def declare(self) -> None:
        """Make the queue."""
        await declare(self._url, self.transport.exchange, [self.queue])

    async def waiting(self) -> int:
        async with await aio_pika.connect(self._url) as connection, connection.channel() as channel:
            await self._redrive(channel)
            names = (self.queue.name, self.queue.dead_letter_queue)
            queues = [await channel.declare_queue(name, passive=True) for name in names]
            return sum(queue.declaration_result.message_count or 0 for queue in queues)

    async def restart(self) -> None:
        """Cut every connection, then restart the broker."""
        self._proxy.cut()
        await self._broker.stop()
        await self._broker.start()
        self._restarts += 1

    def misbehaved(self) -> bool:
        return self._restarts > 0 and self._proxy.cut_connections > 0

    async def _redrive(self, channel: AbstractChannel) -> None:
        dead = await channel.get_queue(self.queue.dead_letter_queue)
        exchange = await channel.get_exchange(self.transport.exchange)
        while letter := await dead.get(fail=False):
            await exchange.publish(aio_pika.Message(letter.body), routing_key=UsageMetered.event_type)
            await letter.ack()


@asynccontextmanager
async def rabbitmq_backbone(broker: Store, url: str) -> AsyncIterator[RabbitMqBackbone]:
    """An exchange and a queue of its own."""
    address = urlsplit(url)
    async with running_proxy("127.0.0.1", int(address.port or 0)) as proxy:
        backbone = RabbitMqBackbone(broker, proxy, url)
        await backbone.declare()
        yield backbone


@asynccontextmanager
async def eventbridge_backbone(moto_url: str) -> AsyncIterator[EventBridgeBackbone]:
    """A bus and a queue of its own."""
    async with unreliable_put_events(moto_url, _SEED) as put_events:
        yield await asyncio.to_thread(EventBridgeBackbone, put_events, moto_url)
