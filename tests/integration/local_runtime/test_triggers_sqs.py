"""Queue pollers against a real moto server."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import boto3
import orjson
import pytest

from local.runtime.models import Invocation
from local.stack import QueueTrigger
from local.triggers.queues import QueuePoller
from local.triggers.sqs_client import SqsClient, SqsError

Send = Callable[..., Awaitable[None]]


class Consumer:
    """A consumer that fails on the bodies it is told to, and keeps the records that it got."""

    def __init__(self) -> None:
        self.records: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.poison: set[str] = set()
        self.function_error: str | None = None

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert (function, trace_id) == ("ConsumerFunction", None)
        records = orjson.loads(payload)["Records"]
        for record in records:
            self.records.put_nowait(record)
        failures = [{"itemIdentifier": one["messageId"]} for one in records if one["body"] in self.poison]
        return Invocation("r", orjson.dumps({"batchItemFailures": failures}), self.function_error)


class Queues:
    """A queue with a dead-letter queue, in moto."""

    def __init__(self, sqs: Any) -> None:
        name = uuid.uuid4().hex
        self.sqs = sqs
        self.dead_letter_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        self.url = sqs.create_queue(
            QueueName=name,
            Attributes={
                "VisibilityTimeout": "180",
                "RedrivePolicy": orjson.dumps(
                    {"deadLetterTargetArn": self.arn(self.dead_letter_url), "maxReceiveCount": 3}
                ).decode(),
            },
        )["QueueUrl"]

    def arn(self, url: str) -> str:
        arn: str = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn

    def left(self, url: str) -> dict[str, str]:
        """How many messages a queue holds, visible and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return found


EMPTY = {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}


@pytest.fixture
async def queues(moto_url: str) -> Queues:
    def create() -> Queues:
        return Queues(
            boto3.client(
                "sqs",
                endpoint_url=moto_url,
                region_name="eu-west-1",
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
        )

    return await asyncio.to_thread(create)


@pytest.fixture
async def client(moto_url: str) -> AsyncIterator[SqsClient]:
    client = SqsClient(moto_url, "eu-west-1")
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
async def poller(queues: Queues, client: SqsClient, consumer: Consumer) -> AsyncIterator[QueuePoller]:
    trigger = QueueTrigger(
        queue_url=queues.url,
        queue_arn="arn:aws:sqs:eu-west-1:123456789012:usage",
        function="ConsumerFunction",
        batch_size=100,
        window_seconds=30,
        partial_failures=True,
        visibility_seconds=180,
        dead_letter_url=queues.dead_letter_url,
        max_receive_count=3,
    )
    poller = QueuePoller(trigger, client, consumer, retry_delay=lambda _count: 0)
    poller.start()
    yield poller
    await poller.stop()


async def send(queues: Queues, *bodies: str) -> None:
    for body in bodies:
        attributes = {"kind": {"DataType": "String", "StringValue": "usage"}}
        await asyncio.to_thread(
            queues.sqs.send_message, QueueUrl=queues.url, MessageBody=body, MessageAttributes=attributes
        )


async def test_a_lone_message_reaches_its_consumer_without_sitting_out_the_window_and_is_deleted(
    queues: Queues, consumer: Consumer, poller: QueuePoller
) -> None:
    await send(queues, "warm-up")
    await consumer.records.get()

    began = time.monotonic()
    await send(queues, '{"detail": "✓"}')
    record = await consumer.records.get()

    assert time.monotonic() - began < 10
    assert record["body"] == '{"detail": "✓"}'
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert int(record["attributes"]["SentTimestamp"]) > 1_700_000_000_000
    assert record["messageAttributes"]["kind"]["stringValue"] == "usage"
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-west-1:123456789012:usage"
    await poller.stop()
    assert await asyncio.to_thread(queues.left, queues.url) == EMPTY


async def test_a_message_that_keeps_failing_ends_in_the_dead_letter_queue_and_the_others_do_not(
    queues: Queues, client: SqsClient, consumer: Consumer, poller: QueuePoller
) -> None:
    consumer.poison = {"poison"}
    await send(queues, "good", "poison", "also good")

    dead = await client.receive(queues.dead_letter_url, count=10, wait_seconds=20)

    assert [message["Body"] for message in dead] == ["poison"]
    await poller.stop()
    seen = [consumer.records.get_nowait()["body"] for _ in range(consumer.records.qsize())]
    assert sorted(seen) == ["also good", "good", "poison", "poison", "poison"]
    assert await asyncio.to_thread(queues.left, queues.url) == EMPTY


async def test_a_function_error_brings_the_whole_batch_back(
    queues: Queues, consumer: Consumer, poller: QueuePoller
) -> None:
    consumer.function_error = "Unhandled"
    await send(queues, "again")
    first = await consumer.records.get()
    consumer.function_error = None

    second = await consumer.records.get()

    assert first["messageId"] == second["messageId"]
    await poller.stop()
    assert await asyncio.to_thread(queues.left, queues.url) == EMPTY


async def test_a_hundred_messages_come_in_few_batches_and_each_once(
    queues: Queues, consumer: Consumer, poller: QueuePoller
) -> None:
    await send(queues, *(str(number) for number in range(100)))

    bodies = [(await consumer.records.get())["body"] for _ in range(100)]

    assert sorted(bodies, key=int) == [str(number) for number in range(100)]
    await poller.stop()
    assert consumer.records.empty()


async def test_a_call_that_sqs_refuses_is_an_error(client: SqsClient) -> None:
    with pytest.raises(SqsError, match="QueueDoesNotExist"):
        await client.receive("http://127.0.0.1/123456789012/none", count=1, wait_seconds=0)
