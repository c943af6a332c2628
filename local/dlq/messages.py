"""A message in a dead-letter queue, and what can be read from its body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

type Json = Any
"""What a body may hold: messages come here because nobody could read them."""


@dataclass(frozen=True)
class DeadMessage:
    """One received message.

    Attributes:
        id: SQS keeps it when it moves a message to a dead-letter queue, and gives a new one when it is sent again.
        receipt: What deletes or releases this receipt of it.
        body: Text.
        system: SQS's own attributes: SentTimestamp, ApproximateReceiveCount, MessageGroupId, ….
        attributes: The sender's, as SQS gives them.
    """

    id: str
    receipt: str
    body: str
    system: Mapping[str, str]
    attributes: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @classmethod
    def of(cls, message: Mapping[str, Json]) -> "DeadMessage":
        """From an entry of ReceiveMessage's answer."""
        return cls(
            id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            system=message.get("Attributes", {}),
            attributes=message.get("MessageAttributes", {}),
        )

    @property
    def sent_at(self) -> datetime:
        """When it was first sent: in a standard queue its retention counts from there, not from its failure."""
        return datetime.fromtimestamp(int(self.system["SentTimestamp"]) / 1000, UTC)

    @property
    def receive_count(self) -> int:
        """How often it was received, looking at it included."""
        return int(self.system["ApproximateReceiveCount"])

    @property
    def size_bytes(self) -> int:
        """What it takes of a request: body and attributes."""
        return len(self.body.encode()) + sum(len(name) + _size(value) for name, value in self.attributes.items())

    @property
    def event_type(self) -> str | None:
        """The CloudEvents type, else EventBridge's detail type."""
        return _text(self._detail.get("type")) or _text(self._envelope.get("detail-type"))

    @property
    def event_id(self) -> str | None:
        """The CloudEvents id."""
        return _text(self._detail.get("id"))

    @property
    def org_id(self) -> str | None:
        """The organization that the event is about."""
        return _text(self._detail.get("orgid"))

    @property
    def error(self) -> str | None:
        """Why EventBridge could not deliver it, or its consumer not read it; else the consumer's log has the reason.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        """
        said = (self.attributes.get(name, {}).get("StringValue") for name in ("ERROR_CODE", "ERROR_MESSAGE"))
        return ": ".join(filter(None, said)) or None

    @cached_property
    def _envelope(self) -> dict[str, Json]:
        try:
            return _mapping(json.loads(self.body))
        except (ValueError, RecursionError):
            return {}

    @property
    def _detail(self) -> dict[str, Json]:
        """The CloudEvent: the detail of EventBridge's event, and on RabbitMQ the body itself."""
        return self._envelope if "specversion" in self._envelope else _mapping(self._envelope.get("detail"))


def _size(attribute: Mapping[str, Json]) -> int:
    value = attribute.get("BinaryValue") or attribute.get("StringValue", "").encode()
    return len(attribute["DataType"]) + len(value)


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
