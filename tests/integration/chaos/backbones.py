"""Each bus with one queue, from the test's side."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from llmo_core.ids import new_id
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.put_events import UnreliablePutEvents, unreliable_put_events
from tests.integration.chaos.settings import EventBridgeTransport, RabbitMqTransport
from tests.integration.messaging.backbones import aws_client

VISIBILITY_SECONDS = 3
_SEED = 7


class Backbone(Protocol):
    """A bus that makes mistakes, and a queue that takes every event of usage."""

    @property
    def transport(self) -> EventBridgeTransport | RabbitMqTransport:
        """How to reach them."""
        ...

    async def waiting(self) -> int:
        """How many messages the queue holds, delivered ones that nobody acknowledged included."""
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


@asynccontextmanager
async def eventbridge_backbone(moto_url: str) -> AsyncIterator[EventBridgeBackbone]:
    """A bus and a queue of its own."""
    async with unreliable_put_events(moto_url, _SEED) as put_events:
        yield await asyncio.to_thread(EventBridgeBackbone, put_events, moto_url)
