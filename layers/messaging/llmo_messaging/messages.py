"""Messages as Lambda's triggers deliver them, behind SQS and behind RabbitMQ.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Malformed(Exception):
    """A message that nobody will ever be able to read; the text says why, without what stands in it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a batch; its body is the envelope.

    Attributes:
        id: Names it in the batch, and to SQS.
        body: Text.
        queue: Its queue's name; on SQS its queue's ARN.
        group: In a FIFO queue, the messages among which there is an order. None in any other queue.
    """

    id: str
    body: str
    queue: str
    group: str | None = None

    def attributes(self) -> object:
        """What the body says the envelope's attributes are. Raises Malformed."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error


class EventBridgeMessage(Message):
    """One whose body is EventBridge's event, and that event's detail the envelope."""

    __slots__ = ()

    def attributes(self) -> object:
        """What the detail says the envelope's attributes are. Raises Malformed."""
        event = Message.attributes(self)
        if not isinstance(event, dict) or "detail" not in event:
            raise Malformed("the body is no event of EventBridge: it has no detail")
        return event["detail"]


def from_sqs(records: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The records of an `aws:sqs` event, whose queue a rule of EventBridge fills."""
    return [
        EventBridgeMessage(
            id=record["messageId"],
            body=record["body"],
            queue=record.get("eventSourceARN", ""),
            group=record.get("attributes", {}).get("MessageGroupId"),
        )
        for record in records
    ]


def from_rabbitmq(event: Mapping[str, Any]) -> list[Message]:
    """The messages of an `aws:rmq` event, which names its queues `<queue>::<virtual host>`."""
    return [
        Message(id=f"{queue}#{position}", body=_text(message["data"]), queue=queue.partition("::")[0])
        for queue, batch in event["rmqMessagesByQueue"].items()
        for position, message in enumerate(batch)
    ]


def _text(data: str) -> str:
    """The body; of what is no text, as much as can be shown: it is malformed anyway."""
    try:
        return base64.b64decode(data, validate=True).decode(errors="replace")
    except binascii.Error:
        return data
