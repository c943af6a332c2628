"""The base of every consumer: an SQS batch in, the failed messages out.

A consumer names the events it handles. Messages of other types or newer versions are acknowledged and counted; a
message that cannot be read, or whose handling failed, is reported as failed, so that SQS delivers it again and, after
five times, moves it to the dead-letter queue.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ValidationError

from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.envelope import Envelope, Event


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

    def lambda_handler(self, sqs_event: Mapping[str, Any]) -> dict[str, Any]:
        """Process one SQS invocation; the answer is SQS's partial batch response.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        answer = run(self.process(sqs_event["Records"]))
        if metrics().metric_set:
            metrics().flush_metrics()
        return answer

    async def process(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Handle the records of one batch and name the ones that failed."""
        readable: dict[str, Delivery[E]] = {}
        failed: list[str] = []
        for record in records:
            try:
                delivery = self._read(record["body"])
            except (ValidationError, ValueError, KeyError, TypeError) as error:
                _count("MessagesMalformed")
                logger().error("malformed message", extra={"message_id": record["messageId"], "reason": str(error)})
                failed.append(record["messageId"])
                continue
            if delivery is not None:
                readable[record["messageId"]] = delivery
        if readable:
            try:
                await self.handle(list(readable.values()))
                _count("EventsConsumed", len(readable))
            except Exception:  # noqa: BLE001 - whatever went wrong, the messages stay on the queue and the log says why
                logger().exception("batch failed", extra={"messages": len(readable)})
                _count("EventsFailed", len(readable))
                failed.extend(readable)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _read(self, body: str) -> Delivery[E] | None:
        envelope = Envelope.model_validate(json.loads(body)["detail"])
        if envelope.type != self.event.name or envelope.dataversion != self.event.version:
            _count("EventsIgnored")
            return None
        return Delivery(envelope, self.event.model_validate(envelope.data))


def _count(name: str, value: int = 1) -> None:
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)
