"""The event bus against moto's EventBridge, with a rule that delivers to a queue, as in the template."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import boto3
import pytest
import pytest_asyncio
from botocore.config import Config

from llmo_core.aws import Credentials, JsonService
from llmo_core.ids import new_id
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.eventbridge import EventBridgeBus
from local.process import free_port

REGION = "eu-west-1"


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:  # noqa: S603 - this Python
        assert server.stderr is not None
        said = next((line for line in server.stderr if "Running on" in line), None)
        assert said is not None
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="AKIA",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def queue_url(moto_url: str) -> str:
    """A queue that a rule on the bus `llmo-test` feeds with the events of this test."""
    events, sqs = client("events", moto_url), client("sqs", moto_url)
    url: str = sqs.create_queue(QueueName="counted")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="llmo-test")
    pattern = json.dumps({"detail-type": [Counted.event_type]})
    events.put_rule(Name="counted", EventBusName="llmo-test", EventPattern=pattern)
    events.put_targets(Rule="counted", EventBusName="llmo-test", Targets=[{"Id": "queue", "Arn": arn}])
    return url


@pytest_asyncio.fixture
async def bus(moto_url: str) -> AsyncIterator[EventBridgeBus]:
    async with aiohttp.ClientSession() as session:
        yield EventBridgeBus(
            session=lambda: session,
            service=JsonService("events", "AWSEvents", REGION, moto_url),
            bus_name="llmo-test",
            credentials=lambda: Credentials("AKIA", "x"),
        )


async def test_published_events_reach_the_consumer_of_the_rules_queue_unchanged(
    bus: EventBridgeBus, queue_url: str, moto_url: str
) -> None:
    now = datetime(2026, 8, 17, tzinfo=UTC)
    published = [
        Envelope.of(Counted(number=number), event_id=new_id(), org_id=new_id(), time=now) for number in range(12)
    ]
    consumed: list[Delivery[Counted]] = []

    async def keep(deliveries: Any) -> None:
        consumed.extend(deliveries)

    await bus.publish(published)

    sqs = client("sqs", moto_url)
    while records := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        batch = [{"messageId": record["MessageId"], "body": record["Body"]} for record in records]
        assert await Consumer(Handler(Counted, keep)).process(batch) == {"batchItemFailures": []}
    by_number = sorted(consumed, key=lambda delivery: delivery.event.number)
    assert [delivery.envelope for delivery in by_number] == published
