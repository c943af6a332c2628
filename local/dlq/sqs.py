"""SQS, as far as dead-letter queues need it. Everything here raises botocore's errors."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.dlq.messages import DeadMessage

MAX_BATCH = 10
"""Messages in one receive, and entries in one batch call."""

_FIFO = ".fifo"
_VALUE_FIELDS = ("DataType", "StringValue", "BinaryValue")


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue.

    Attributes:
        name: Of the queue.
        url: Of the queue.
        arn: Of the queue.
        depth: About how many messages it has, those in flight included.
        dead_letter_arn: Where its failed messages go.
    """

    name: str
    url: str
    arn: str
    depth: int
    dead_letter_arn: str | None


class Sqs:
    """Calls SQS.

    Args:
        client: boto3's client for SQS.
        wait_seconds: How long a receive waits for a first message. AWS asks only some of its servers when it is 0,
            and may find none of the few messages that there are.
    """

    def __init__(self, client: Any, *, wait_seconds: int) -> None:  # noqa: ANN401 - boto3 makes its client classes at run time
        self._client = client
        self._wait_seconds = wait_seconds

    def queues(self, prefix: str) -> list[Queue]:
        """The queues whose name begins so, by name."""
        pages = self._client.get_paginator("list_queues").paginate(
            QueueNamePrefix=prefix, PaginationConfig={"PageSize": 1000}
        )
        queues = (self._queue(url) for page in pages for url in page.get("QueueUrls", ()))
        return sorted(queues, key=lambda queue: queue.name)

    def receive(self, queue: Queue, count: int, *, hold_seconds: int) -> list[DeadMessage]:
        """Take up to ten messages that nobody else gets for a while. An empty list means that there are none."""
        answer = self._client.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=min(count, MAX_BATCH),
            VisibilityTimeout=hold_seconds,
            WaitTimeSeconds=self._wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [DeadMessage.of(message) for message in answer.get("Messages", ())]

    def send(self, queue: Queue, messages: Sequence[DeadMessage]) -> tuple[dict[str, str], dict[str, str]]:
        """Send up to ten messages: for each old id the new one, and for each that was refused the reason."""
        entries = [
            {"Id": str(number), **_content(message, fifo=queue.name.endswith(_FIFO))}
            for number, message in enumerate(messages)
        ]
        answer = self._client.send_message_batch(QueueUrl=queue.url, Entries=entries)
        sent = {messages[int(entry["Id"])].id: entry["MessageId"] for entry in answer.get("Successful", ())}
        return sent, _refusals(answer, messages)

    def delete(self, queue: Queue, messages: Sequence[DeadMessage]) -> dict[str, str]:
        """Delete messages; for each that was not, by its id, the reason."""
        refused: dict[str, str] = {}
        for batch in _tens(messages):
            entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(batch)]
            refused |= _refusals(self._client.delete_message_batch(QueueUrl=queue.url, Entries=entries), batch)
        return refused

    def release(self, queue: Queue, messages: Sequence[DeadMessage]) -> None:
        """Let others have them at once. Whichever is refused comes back when its hold ends."""
        for batch in _tens(messages):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": 0}
                for number, one in enumerate(batch)
            ]
            self._client.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)

    def purge(self, queue: Queue) -> None:
        """Delete everything. AWS takes up to a minute, and refuses a second purge in it."""
        self._client.purge_queue(QueueUrl=queue.url)

    def _queue(self, url: str) -> Queue:
        attributes = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        arn = attributes["QueueArn"]
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return Queue(
            name=arn.rpartition(":")[2],
            url=url,
            arn=arn,
            depth=sum(int(attributes[name]) for name in counts),
            dead_letter_arn=json.loads(attributes.get("RedrivePolicy", "{}")).get("deadLetterTargetArn"),
        )


def _content(message: DeadMessage, *, fifo: bool) -> dict[str, Any]:
    """What is sent again: body, attributes, trace and message group.

    A FIFO queue drops what has the same deduplication id as something of the last five minutes. The id of the dead
    message lets a redrive through that follows its failure at once, and drops its repetition after a crash.
    """
    content: dict[str, Any] = {
        "MessageBody": message.body,
        "MessageAttributes": {
            name: {field: value[field] for field in _VALUE_FIELDS if field in value}
            for name, value in message.attributes.items()
        },
    }
    if trace := message.system.get("AWSTraceHeader"):
        content["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    if group := message.system.get("MessageGroupId"):
        content["MessageGroupId"] = group
    if fifo:
        content["MessageDeduplicationId"] = message.id
    return content


def _refusals(answer: Mapping[str, Any], messages: Sequence[DeadMessage]) -> dict[str, str]:
    return {
        messages[int(entry["Id"])].id: f"{entry['Code']}: {entry.get('Message', '')}".removesuffix(": ")
        for entry in answer.get("Failed", ())
    }


def _tens(messages: Sequence[DeadMessage]) -> Iterator[Sequence[DeadMessage]]:
    return (messages[first : first + MAX_BATCH] for first in range(0, len(messages), MAX_BATCH))
