"""Dead-letter queues for messages that can never be read: they go there at once, with the reason.

A message whose handling failed is not moved by us: its queue delivers it again, and moves it after its own limit.
What we move keeps its body, so that a redrive is the same as for any other dead letter. The reason is in the two
attributes in which EventBridge gives its own: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from llmo_core.errors import Unavailable
from llmo_messaging.messages import Message

CODE = "MALFORMED_MESSAGE"
CODE_ATTRIBUTE = "ERROR_CODE"
REASON_ATTRIBUTE = "ERROR_MESSAGE"


class BurialFailed(Unavailable):
    """The dead-letter queue did not take a message: it stays where it is."""


class DeadLetters(Protocol):
    """Takes messages that can never be read."""

    async def bury(self, message: Message, reason: str) -> None:
        """Return when the dead-letter queue has the message; raise BurialFailed when it has not."""
        ...


class SqsDeadLetters:
    """The dead-letter queue of one consumer on SQS.

    Args:
        queue_url: The dead-letter queue.
        client: Gives boto3's SQS client, at the first message.
    """

    def __init__(self, queue_url: str, *, client: Callable[[], Any] | None = None) -> None:
        self._queue_url = queue_url
        self._client = client or _sqs

    async def bury(self, message: Message, reason: str) -> None:
        """Return when the dead-letter queue has the message; raise BurialFailed when it has not."""
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in ((CODE_ATTRIBUTE, CODE), (REASON_ATTRIBUTE, reason))
        }
        request = {"QueueUrl": self._queue_url, "MessageBody": message.body, "MessageAttributes": attributes}
        if message.group is not None:
            request |= {"MessageGroupId": message.group, "MessageDeduplicationId": message.id}
        try:
            await asyncio.to_thread(lambda: self._client().send_message(**request))
        except Exception as error:
            raise BurialFailed(f"{type(error).__name__}: {error}") from error


@cache
def _sqs() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which is not spent where every message can be read

    return boto3.client("sqs")
