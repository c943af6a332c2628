"""A rule that fills a FIFO queue, grouped by organization, through the laptop's poller into a consumer.

moto takes the group's JSON path for the group itself: all organizations are one group here, whose order is stricter.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
import pytest

from llmo_core.aws import Credentials, JsonService
from llmo_core.ids import new_id
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.eventbridge import EventBridgeBus
from local.runtime.models import Invocation
from local.stack import QueueTrigger
from local.triggers.queues import QueuePoller
from local.triggers.sqs_client import SqsClient
from tests.integration.messaging.backbones import REGION, aws_client


class Renamed(Event, name="llmo.tests.thing.renamed"):
    number: int


class Names:
    """The newest name of each organization's thing: wrong for ever when an older one is handled last."""

    def __init__(self, *, fails_once_at: int) -> None:
        self.history: list[tuple[UUID | None, int]] = []
        self._fails_once_at: int | None = fails_once_at
        self.complete = asyncio.Event()

    async def keep(self, deliveries: Sequence[Delivery[Renamed]]) -> None:
        for delivery in deliveries:
            if delivery.event.number == self._fails_once_at:
                self._fails_once_at = None
                raise RuntimeError("the store is down")
        self.history += [(delivery.envelope.orgid, delivery.event.number) for delivery in deliveries]
        if len(set(self.history)) == 20:
            self.complete.set()

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        del function, trace_id
        answer = await Consumer(Handler(Renamed, self.keep)).answer(json.loads(payload))
        return Invocation("1", json.dumps(answer).encode())


@pytest.fixture
def trigger(moto_url: str) -> tuple[QueueTrigger, str]:
    """A FIFO queue that a rule fills, and the name of its bus."""
    sqs, events, name = aws_client("sqs", moto_url), aws_client("events", moto_url), f"fifo-{new_id().hex}"
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "60"}
    url = sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"detail-type": [Renamed.event_type]}))
    target = {"Id": "queue", "Arn": arn, "SqsParameters": {"MessageGroupId": "$.detail.orgid"}}
    events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    return QueueTrigger(
        queue_url=url,
        queue_arn=arn,
        function="Consumer",
        batch_size=10,
        window_seconds=0,
        partial_failures=True,
        visibility_seconds=60,
        dead_letter_url=None,
        max_receive_count=0,
    ), name


async def test_an_organizations_events_are_handled_in_order_also_when_one_fails(
    trigger: tuple[QueueTrigger, str], moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.triggers.queues.WAIT_SECONDS", 1)  # moto looks which groups are free once per receive
    organizations = [new_id(), new_id()]
    async with aiohttp.ClientSession() as session:
        bus = EventBridgeBus(
            session=lambda: session,
            service=JsonService("events", "AWSEvents", REGION, moto_url),
            bus_name=trigger[1],
            credentials=lambda: Credentials("AKIA", "x"),
        )
        for number in range(10):
            for org_id in organizations:
                event = Renamed(number=number)
                now = datetime.now(UTC)
                await bus.publish([Envelope.of(event, event_id=new_id(), org_id=org_id, time=now)])
    names = Names(fails_once_at=3)
    client = SqsClient(moto_url, REGION)
    await client.start()
    poller = QueuePoller(trigger[0], client, names, retry_delay=lambda _: 0)
    poller.start()
    async with asyncio.timeout(20):
        await names.complete.wait()
    await poller.stop()
    await client.stop()

    for org_id in organizations:
        first_times = list(dict.fromkeys(number for org, number in names.history if org == org_id))
        assert first_times == list(range(10))
