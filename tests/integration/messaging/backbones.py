"""Both buses with their queues, behind one face: what the contract suite runs against."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import aio_pika
import aiohttp
import boto3
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from botocore.config import Config

from llmo_core.aws import Credentials, JsonService
from llmo_core.ids import new_id
from llmo_messaging.bus import EventBus
from llmo_messaging.claims import ClaimCheck, S3Claims
from llmo_messaging.consumer import BatchFailed, Consumer
from llmo_messaging.dead_letters import REASON_ATTRIBUTE, DeadLetters, SqsDeadLetters
from llmo_messaging.eventbridge import EventBridgeBus
from llmo_messaging.rabbitmq import ConsumerQueue, RabbitMqBus, declare
from llmo_messaging.rabbitmq_dead_letters import RabbitMqDeadLetters
from tests.integration.messaging.broker import RABBITMQ_URL, address
from tests.integration.messaging.proxy import Proxy, running_proxy

REGION = "eu-west-1"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a dead-letter queue: the envelope's text, and why it was put there by the consumer itself."""

    text: str
    reason: str | None

    @property
    def envelope(self) -> dict[str, Any]:
        """The envelope's attributes."""
        attributes: dict[str, Any] = json.loads(self.text)
        return attributes


class Subscription(Protocol):
    """One consumer's queue, with what Lambda's event source mapping does for it."""

    @property
    def graveyard(self) -> DeadLetters:
        """The consumer's dead-letter queue."""
        ...

    async def invoke(self, consumer: Consumer) -> int:
        """Hand the messages that wait to the consumer, as one invocation, and settle them; how many they were."""
        ...

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """So many messages from the dead-letter queue, once they are there; TimeoutError after five seconds."""
        ...


class Backbone(Protocol):
    """A bus behind a proxy, which keeps large data in S3.

    Attributes:
        claims: Where it keeps large data.
        deliveries: How often a message that always fails is delivered before it is a dead letter.
    """

    proxy: Proxy
    deliveries: int
    claims: S3Claims

    @property
    def bus(self) -> EventBus:
        """The bus."""
        ...

    async def subscribe(self, *event_types: str) -> Subscription:
        """A new queue that takes these types."""
        ...

    async def publish_text(self, event_type: str, text: str) -> None:
        """Publish what nobody checked; a JSON object."""
        ...


class SqsSubscription:
    def __init__(self, sqs: Any, url: str, dead_url: str) -> None:
        self._sqs, self._url, self._dead_url = sqs, url, dead_url
        self.graveyard = SqsDeadLetters(dead_url, client=lambda: sqs)

    async def invoke(self, consumer: Consumer) -> int:
        messages = await self._receive(self._url)
        records = [
            {"messageId": message["MessageId"], "body": message["Body"], "attributes": message["Attributes"]}
            for message in messages
        ]
        answer = await consumer.answer({"Records": records})
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                await self._delete(self._url, message)
        return len(messages)

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        async with asyncio.timeout(5):
            while len(found) < count:
                for message in await self._receive(self._dead_url):
                    reason = message.get("MessageAttributes", {}).get(REASON_ATTRIBUTE, {}).get("StringValue")
                    found.append(DeadLetter(json.dumps(json.loads(message["Body"])["detail"]), reason))
                    await self._delete(self._dead_url, message)
        return found

    async def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = await asyncio.to_thread(
            lambda: self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=0,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def _delete(self, url: str, message: dict[str, Any]) -> None:
        await asyncio.to_thread(self._sqs.delete_message, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


class EventBridgeBackbone:
    deliveries = 5  # the template's maxReceiveCount

    def __init__(self, bus: EventBus, proxy: Proxy, claims: S3Claims, bus_name: str, moto_url: str) -> None:
        self.bus, self.proxy, self.claims = bus, proxy, claims
        self._bus_name = bus_name
        self._events, self._sqs = aws_client("events", moto_url), aws_client("sqs", moto_url)
        self._events.create_event_bus(Name=bus_name)

    async def subscribe(self, *event_types: str) -> SqsSubscription:
        name = f"q-{new_id().hex}"
        dead_url = self._sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        redrive = json.dumps({"deadLetterTargetArn": self._arn(dead_url), "maxReceiveCount": self.deliveries})
        url = self._sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
        pattern = json.dumps({"detail-type": list(event_types)})
        self._events.put_rule(Name=name, EventBusName=self._bus_name, EventPattern=pattern)
        target = {"Id": "queue", "Arn": self._arn(url)}
        self._events.put_targets(Rule=name, EventBusName=self._bus_name, Targets=[target])
        return SqsSubscription(self._sqs, url, dead_url)

    async def publish_text(self, event_type: str, text: str) -> None:
        entry = {"EventBusName": self._bus_name, "Source": "tests", "DetailType": event_type, "Detail": text}
        await asyncio.to_thread(self._events.put_events, Entries=[entry])

    def _arn(self, url: str) -> str:
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = answer["Attributes"]["QueueArn"]
        return arn


def aws_client(service: str, url: str) -> Any:
    """A client of moto."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="AKIA",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}),
    )


def s3_claims(moto_url: str) -> S3Claims:
    """A bucket of its own on moto's S3."""
    bucket, client = f"llmo-{new_id().hex}", aws_client("s3", moto_url)
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return S3Claims(bucket, client=lambda: client)


@asynccontextmanager
async def eventbridge_backbone(moto_url: str) -> AsyncIterator[EventBridgeBackbone]:
    """A bus of its own on moto's EventBridge."""
    moto = urlsplit(moto_url)
    name = f"llmo-{new_id().hex}"
    claims = s3_claims(moto_url)
    async with running_proxy(str(moto.hostname), int(moto.port or 0)) as proxy, aiohttp.ClientSession() as session:
        bus = EventBridgeBus(
            session=lambda: session,
            service=JsonService("events", "AWSEvents", REGION, f"http://127.0.0.1:{proxy.port}"),
            bus_name=name,
            encode=ClaimCheck(lambda: claims),
            credentials=lambda: Credentials("AKIA", "x"),
        )
        yield EventBridgeBackbone(bus, proxy, claims, name, moto_url)


class QuorumQueueSubscription:
    def __init__(self, queue: AbstractQueue, dead: AbstractQueue, graveyard: RabbitMqDeadLetters) -> None:
        self._queue, self._dead = queue, dead
        self.graveyard = graveyard

    async def invoke(self, consumer: Consumer) -> int:
        messages: list[AbstractIncomingMessage] = []
        while len(messages) < 100 and (message := await self._queue.get(fail=False)):
            messages.append(message)
        if not messages:
            return 0
        try:
            await consumer.answer(_lambda_event(self._queue.name, messages))
        except BatchFailed:
            await messages[-1].channel.basic_nack(messages[-1].delivery_tag or 0, multiple=True, requeue=True)
        else:
            await messages[-1].channel.basic_ack(messages[-1].delivery_tag or 0, multiple=True)
        return len(messages)

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        async with asyncio.timeout(5), self._dead.iterator() as messages:
            async for message in messages:
                reason = message.headers.get(REASON_ATTRIBUTE)
                found.append(DeadLetter(message.body.decode(), None if reason is None else str(reason)))
                await message.ack()
                if len(found) == count:
                    break
        return found


def _lambda_event(queue: str, messages: Sequence[AbstractIncomingMessage]) -> dict[str, Any]:
    """As Lambda's Amazon MQ trigger makes it: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html."""
    batch = [
        {
            "basicProperties": {"contentType": message.content_type, "messageId": message.message_id},
            "redelivered": message.redelivered,
            "data": base64.b64encode(message.body).decode(),
        }
        for message in messages
    ]
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": f"arn:aws:mq:{REGION}:123456789012:broker:llmo:b-1",
        "rmqMessagesByQueue": {f"{queue}::/": batch},
    }


class RabbitMqBackbone:
    """See Backbone; `url` is the broker behind the proxy."""

    deliveries = 6  # the first one and as many as the queue's delivery limit

    def __init__(
        self,
        bus: RabbitMqBus,
        proxy: Proxy,
        claims: S3Claims,
        *,
        url: str,
        exchange: str,
        channel: AbstractChannel,
    ) -> None:
        self.bus, self.proxy, self.claims = bus, proxy, claims
        self.url, self.exchange = url, exchange
        self.queues: list[ConsumerQueue] = []
        self.channel = channel

    async def subscribe(self, *event_types: str) -> QuorumQueueSubscription:
        queue = ConsumerQueue(f"{self.exchange}.{new_id().hex}", event_types)
        self.queues.append(queue)
        await declare(RABBITMQ_URL, self.exchange, [queue])
        return QuorumQueueSubscription(
            await self.channel.get_queue(queue.name),
            await self.channel.get_queue(queue.dead_letter_queue),
            RabbitMqDeadLetters(RABBITMQ_URL, self.exchange),
        )

    async def publish_text(self, event_type: str, text: str) -> None:
        exchange = await self.channel.get_exchange(self.exchange)
        await exchange.publish(aio_pika.Message(text.encode()), routing_key=event_type)

    async def remove(self) -> None:
        """Delete everything that was declared."""
        for queue in self.queues:
            await self.channel.queue_delete(queue.name)
            await self.channel.queue_delete(queue.dead_letter_queue)
        for exchange in (self.exchange, f"{self.exchange}.dead"):
            await self.channel.exchange_delete(exchange)


@asynccontextmanager
async def rabbitmq_backbone(moto_url: str) -> AsyncIterator[RabbitMqBackbone]:
    """An exchange of its own on the broker at RABBITMQ_URL."""
    host, port = address()
    url = urlsplit(RABBITMQ_URL)
    credentials = url.netloc.rpartition("@")[0]
    exchange = f"llmo.test-{new_id().hex}"
    claims = s3_claims(moto_url)
    async with running_proxy(host, port) as proxy:
        behind = url._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl()
        bus = RabbitMqBus(url=behind, exchange=exchange, encode=ClaimCheck(lambda: claims))
        async with await aio_pika.connect(RABBITMQ_URL) as connection, connection.channel() as channel:
            backbone = RabbitMqBackbone(bus, proxy, claims, url=behind, exchange=exchange, channel=channel)
            try:
                yield backbone
            finally:
                await bus.close()
                await backbone.remove()
