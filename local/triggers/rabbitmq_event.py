"""The event that Lambda makes of a batch of RabbitMQ's messages: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from aio_pika.abc import AbstractIncomingMessage

from local.stack import RabbitMqTrigger

_VIRTUAL_HOST = "/"


def rabbitmq_event(messages: Sequence[AbstractIncomingMessage], trigger: RabbitMqTrigger) -> bytes:
    """Build the event of one batch."""
    return orjson.dumps(
        {
            "eventSource": "aws:rmq",
            "eventSourceArn": trigger.broker_arn,
            "rmqMessagesByQueue": {f"{trigger.queue}::{_VIRTUAL_HOST}": [_message(message) for message in messages]},
        }
    )


def delivery_count(message: AbstractIncomingMessage) -> int:
    """How often the message was delivered before: a quorum queue counts."""
    count = message.headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def _message(message: AbstractIncomingMessage) -> dict[str, object]:
    return {
        "basicProperties": {
            "contentType": message.content_type,
            "contentEncoding": message.content_encoding,
            "headers": {name: _header(value) for name, value in message.headers.items()},
            "deliveryMode": message.delivery_mode,
            "priority": message.priority,
            "correlationId": message.correlation_id,
            "replyTo": message.reply_to,
            "expiration": None if message.expiration is None else str(message.expiration),
            "messageId": message.message_id,
            "timestamp": _timestamp(message.timestamp),
            "type": message.type,
            "userId": message.user_id,
            "appId": message.app_id,
            "clusterId": message.cluster_id,
            "bodySize": message.body_size,
        },
        "redelivered": message.redelivered,
        "data": base64.b64encode(message.body).decode(),
    }


def _header(value: Any) -> object:  # noqa: ANN401 - whatever AMQP can hold
    """Text travels as its bytes, as Lambda's does; numbers and truth values as they are."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return {"bytes": list(value if isinstance(value, bytes) else str(value).encode())}


def _timestamp(moment: datetime | None) -> str | None:
    """In the words of Java's default format for the USA: `Aug 7, 2026, 9:03:05 AM`."""
    return None if moment is None else moment.strftime("%b %-d, %Y, %-I:%M:%S %p")
