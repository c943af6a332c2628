"""The base of every consumer: a batch of messages in, the failed ones out, behind SQS and behind RabbitMQ.

A consumer has a handler for each event that it handles. Messages of other types or versions are acknowledged and
counted. A message that can never be read is moved to the dead-letter queue with the reason. A message whose handling
failed is reported as failed, so that the queue delivers it again and, after its limit, moves it there too.

In a FIFO queue the messages of a group are handled in order, and none after one that failed. In other queues each
handler gets all its messages of a batch at once.

Lambda's RabbitMQ trigger takes no partial answer: it delivers the whole batch again when the function fails. So the
good messages are handled first and the invocation then fails.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ValidationError

from llmo_core.errors import LlmoError
from llmo_core.loop import run
from llmo_core.observability import logger, metrics
from llmo_messaging.claims import Claims, NoSuchClaim
from llmo_messaging.dead_letters import BurialFailed, DeadLetters
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.messages import Malformed, Message, from_rabbitmq, from_sqs

_REASON_CHARACTERS = 500


class BatchFailed(LlmoError):
    """A message of the batch failed: the queue is to deliver the batch again."""


class HandledInPart(LlmoError):
    """Some events of a batch could not be handled; the effect of all others is durable.

    Args:
        failed: Those that are to be delivered again.
    """

    def __init__(self, failed: "Sequence[Delivery[Any]]") -> None:
        super().__init__(f"{len(failed)} events could not be handled")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Delivery[E]:
    """An event as it arrived: its envelope, and its data as the consumer's own model."""

    envelope: Envelope
    event: E


@dataclass(frozen=True, slots=True)
class Handler[E: Event]:
    """What a consumer does about one type of event.

    Args:
        event: The consumer's own model of the event.
        handle: Takes a batch of deliveries and returns when their effect is durable. It must be idempotent by
            `envelope.id`. When it raises, the whole batch is delivered again; of HandledInPart what failed.
    """

    event: type[E]
    handle: Callable[[Sequence[Delivery[E]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Readable:
    message: Message
    handler: Handler[Any]
    delivery: Delivery[Any]


class Consumer:
    """Hands batches of messages to the handlers of their events.

    Args:
        handlers: One for each event.
        dead_letters: Gives the dead-letter queue, at the first message that cannot be read. Without it such a message
            is reported as failed.
        claims: Gives the keeper of large events' data, at the first claim. Without it a claim cannot be read.
    """

    def __init__(
        self,
        *handlers: Handler[Any],
        dead_letters: Callable[[], DeadLetters] | None = None,
        claims: Callable[[], Claims] | None = None,
    ) -> None:
        self._handlers = {(each.event.event_type, each.event.event_version): each for each in handlers}
        self._dead_letters = dead_letters
        self._claims = claims

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
        messages = from_rabbitmq(event)
        failed = await self._process(messages)
        if failed:
            raise BatchFailed(f"{len(failed)} of {len(messages)} messages failed")
        return {}

    async def process(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Handle the SQS records of one batch and name the ones that failed."""
        failed = await self._process(from_sqs(records))
        return {"batchItemFailures": [{"itemIdentifier": message.id} for message in failed]}

    async def _process(self, messages: Sequence[Message]) -> list[Message]:
        readable, failed = await self._read_all(messages)
        for handler, together in self._batches(readable):
            held_up = {message.group for message in failed if message.group is not None}
            batch = [each for each in together if each.message.group not in held_up]
            failed += [each.message for each in together if each.message.group in held_up]
            if batch:
                undone = await _undone(handler, [each.delivery for each in batch])
                failed += [each.message for each in batch if id(each.delivery) in undone]
        return failed

    async def _read_all(self, messages: Sequence[Message]) -> tuple[list[_Readable], list[Message]]:
        """The messages that are this consumer's, and those that must be delivered again."""
        readable: list[_Readable] = []
        failed: list[Message] = []
        for message in messages:
            try:
                found = await self._read(message)
            except Malformed as error:
                if not await self._buried(message, str(error)):
                    failed.append(message)
                continue
            except LlmoError as error:
                logger().warning("message not read", extra={"message_id": message.id, "reason": error.detail})
                failed.append(message)
                continue
            if found is None:
                _count("EventsIgnored")
            else:
                readable.append(found)
        return readable, failed

    async def _read(self, message: Message) -> _Readable | None:
        """The message's event; None when it is none of this consumer's. Raises Malformed and ClaimUnavailable."""
        try:
            envelope = Envelope.model_validate(message.attributes())
            handler = self._handlers.get((envelope.type, envelope.dataversion))
            if handler is None:
                return None
            event = handler.event.model_validate(await self._data(envelope))
        except ValidationError as error:
            raise Malformed(_explained(error)) from error
        return _Readable(message, handler, Delivery(envelope, event))

    async def _data(self, envelope: Envelope) -> Mapping[str, Any]:
        if envelope.dataref is None:
            return envelope.data
        if self._claims is None:
            raise Malformed("this consumer takes no claims")
        try:
            return await self._claims().fetch(envelope)
        except NoSuchClaim as error:
            raise Malformed(str(error)) from error

    async def _buried(self, message: Message, reason: str) -> bool:
        """Whether a message that can never be read is in the dead-letter queue now."""
        _count("MessagesMalformed")
        logger().error("malformed message", extra={"message_id": message.id, "reason": reason})
        if self._dead_letters is None:
            return False
        try:
            await self._dead_letters().bury(message, reason[:_REASON_CHARACTERS])
        except BurialFailed as error:
            logger().warning("malformed message left in its queue", extra={"reason": error.detail})
            return False
        return True

    def _batches(self, readable: Sequence[_Readable]) -> Iterator[tuple[Handler[Any], Sequence[_Readable]]]:
        if any(each.message.group is not None for each in readable):
            for _, run_of_one in groupby(readable, key=lambda each: each.handler):
                together = list(run_of_one)
                yield together[0].handler, together
        else:
            for handler in self._handlers.values():
                if together := [each for each in readable if each.handler is handler]:
                    yield handler, together


async def _undone(handler: Handler[Any], deliveries: Sequence[Delivery[Any]]) -> Collection[int]:
    """Which of the deliveries, by their identity, were not handled: an event may be in a batch twice."""
    undone = deliveries
    try:
        await handler.handle(deliveries)
    except HandledInPart as error:
        undone = error.failed
    except Exception:  # noqa: BLE001 - whatever went wrong, the messages stay on the queue and the log says why
        logger().exception("batch failed", extra={"messages": len(deliveries)})
    else:
        undone = ()
    if undone:
        _count("EventsFailed", len(undone))
    if len(undone) < len(deliveries):
        _count("EventsConsumed", len(deliveries) - len(undone))
    return {id(delivery) for delivery in undone}


def _explained(error: ValidationError) -> str:
    """What is wrong where; not the values, which are the organization's."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the event'}: {each['msg']}" for each in found)


def _count(name: str, value: int = 1) -> None:
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)
