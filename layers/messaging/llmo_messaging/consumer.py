"""The base of every consumer: a batch of messages in, the failed ones out, behind SQS and behind RabbitMQ.

A consumer names the events it handles. Messages of other types or newer versions are acknowledged and counted; a
message that cannot be read, or whose handling failed, is reported as failed, so that the queue delivers it again and,
after the queue's limit, moves it to the dead-letter queue.

Lambda's RabbitMQ trigger takes no partial answer: it delivers the whole batch again when the function fails. So the
good messages are handled first and the invocation then fails. A message that can never be read blocks nothing for
ever: the queue's delivery limit moves it away, and the messages that always came with it, whose effect is done.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ValidationError

from llmo_core.errors import LlmoError
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.envelope import Envelope, Event


class BatchFailed(LlmoError):
    """A message of the batch failed: the queue is to deliver the batch again."""


@dataclass(frozen=True, slots=True)
class Delivery[E]:
    """An event as it arrived: its envelope, and its data as the consumer's own model."""

    envelope: Envelope
    event: E


@dataclass(frozen=True, slots=True)
class Consumer[E: Event]:
    """Hands batches of one type of event to a handler.

    Args:
        event: The consumer's own model of the event.
        handle: Takes a batch of deliveries and returns when their effect is durable. It must be idempotent by
            `envelope.id`. When it raises, the whole batch is delivered again.
    """

    event: type[E]
    handle: Callable[[Sequence[Delivery[E]]], Awaitable[None]]

    def lambda_handler(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Process one invocation by SQS or by Amazon MQ for RabbitMQ; see `answer`."""
        try:
            return run(self.answer(event))
        finally:
            if metrics().metric_set:
                metrics().flush_metrics()

    async def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Process the event of one invocation.

        The answer to SQS is its partial batch response. For RabbitMQ it is empty, and BatchFailed is raised when a
        message failed, after the good ones were handled.

        Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html,
        https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
        """
        if event.get("eventSource") != "aws:rmq":
            return await self.process(event["Records"])
        messages = {
            f"{queue}#{position}": message["data"]
            for queue, batch in event["rmqMessagesByQueue"].items()
            for position, message in enumerate(batch)
        }
        failed = await self._handle(messages, _rabbitmq_envelope)
        if failed:
            raise BatchFailed(f"{len(failed)} of {len(messages)} messages failed")
        return {}

    async def process(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Handle the SQS records of one batch and name the ones that failed."""
        messages = {record["messageId"]: record["body"] for record in records}
        failed = await self._handle(messages, _sqs_envelope)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _handle(self, messages: Mapping[str, str], envelope: Callable[[str], object]) -> list[str]:
        readable: dict[str, Delivery[E]] = {}
        failed: list[str] = []
        for message_id, body in messages.items():
            try:
                delivery = self._read(envelope(body))
            except (ValidationError, ValueError, KeyError, TypeError) as error:
                _count("MessagesMalformed")
                logger().error("malformed message", extra={"message_id": message_id, "reason": str(error)})
                failed.append(message_id)
                continue
            if delivery is not None:
                readable[message_id] = delivery
        if readable:
            try:
                await self.handle(list(readable.values()))
                _count("EventsConsumed", len(readable))
            except Exception:  # noqa: BLE001 - whatever went wrong, the messages stay on the queue and the log says why
                logger().exception("batch failed", extra={"messages": len(readable)})
                _count("EventsFailed", len(readable))
                failed.extend(readable)
        return failed

    def _read(self, attributes: object) -> Delivery[E] | None:
        envelope = Envelope.model_validate(attributes)
        if envelope.type != self.event.event_type or envelope.dataversion != self.event.event_version:
            _count("EventsIgnored")
            return None
        return Delivery(envelope, self.event.model_validate(envelope.data))


def _sqs_envelope(body: str) -> object:
    """The body is EventBridge's event, with the envelope as its detail."""
    return json.loads(body)["detail"]


def _rabbitmq_envelope(data: str) -> object:
    """The data is the message's body, which is the envelope, in base64."""
    return json.loads(base64.b64decode(data, validate=True))


def _count(name: str, value: int = 1) -> None:
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)
