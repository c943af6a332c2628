"""The queue of what a consumer could not read."""

from dataclasses import dataclass
from typing import Any

from llmo_core.ids import new_id


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """A queue in moto.

    Attributes:
        sqs: boto3's client.
    """

    sqs: Any
    url: str

    @classmethod
    def made(cls, sqs: Any) -> "DeadLetterQueue":
        """A new one."""
        return cls(sqs, sqs.create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"])

    def taken(self) -> dict[str, Any]:
        """The only message, which is taken off the queue."""
        found = self.sqs.receive_message(QueueUrl=self.url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
        (message,) = found["Messages"]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        taken: dict[str, Any] = message
        return taken
