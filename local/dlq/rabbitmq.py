"""RabbitMQ behind the face of `Sqs`: the consumers' queues of the template, and their dead-letter queues."""

import asyncio
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from llmo_messaging.rabbitmq import ConsumerQueue, connect
from local.dlq.messages import DeadMessage
from local.dlq.sqs import MAX_BATCH, Queue

_REDRIVE = "llmo-redrive"  # a header of what was moved back


class RabbitMq:
    """Calls RabbitMQ, over one connection that is open until `close`. Everything here raises aio-pika's errors.

    Args:
        url: The broker.
        consumers: Its queues: AMQP cannot list them.
    """

    def __init__(self, url: str, consumers: Sequence[ConsumerQueue]) -> None:
        self._url = url
        self._consumers = consumers
        self._loop = asyncio.Runner()
        self._connection: aio_pika.Connection | None = None
        self._channel: AbstractChannel | None = None
        self._held: dict[str, AbstractIncomingMessage] = {}

    def close(self) -> None:
        """Close the connection: what was received and not deleted is back in its queue."""
        if self._connection is not None:
            self._run(self._connection.close())
        self._loop.close()

    def queues(self, prefix: str) -> list[Queue]:
        """The consumers' queues and their dead-letter queues whose name begins so, by name."""
        names = [
            pair
            for consumer in self._consumers
            for pair in ((consumer.name, consumer.dead_letter_queue), (consumer.dead_letter_queue, None))
            if pair[0].startswith(prefix)
        ]
        return sorted((self._run(self._queue(*pair)) for pair in names), key=lambda queue: queue.name)

    def receive(self, queue: Queue, count: int, *, hold_seconds: int) -> list[DeadMessage]:
        """Take up to ten messages that nobody else gets until they are released. An empty list says there are none."""
        del hold_seconds  # they are held for as long as the connection is open
        return self._run(self._receive(queue.name, min(count, MAX_BATCH)))

    def send(self, queue: Queue, messages: Sequence[DeadMessage]) -> tuple[dict[str, str], dict[str, str]]:
        """Send messages: for each old id the new one, and for each that was refused the reason."""
        sent: dict[str, str] = {}
        refused: dict[str, str] = {}
        for message in messages:
            try:
                sent[message.id] = self._run(self._send(queue.name, self._held[message.id]))
            except aio_pika.exceptions.DeliveryError as error:
                refused[message.id] = str(error)
        return sent, refused

    def delete(self, queue: Queue, messages: Sequence[DeadMessage]) -> dict[str, str]:
        """Delete messages; for each that was not, by its id, the reason."""
        del queue
        for message in messages:
            self._run(self._held.pop(message.id).ack())
        return {}

    def release(self, queue: Queue, messages: Sequence[DeadMessage]) -> None:
        """Let others have messages again. Whichever is refused comes back when the connection ends."""
        del queue
        with suppress(*CONNECTION_EXCEPTIONS):
            for message in messages:
                if message.id in self._held:
                    self._run(self._held.pop(message.id).nack(requeue=True))

    def purge(self, queue: Queue) -> None:
        """Delete every message."""
        self._run(self._purge(queue.name))

    async def _opened(self) -> AbstractChannel:
        if self._channel is None:
            self._connection = await connect(self._url)
            self._channel = await self._connection.channel(on_return_raises=True)
        return self._channel

    async def _queue(self, name: str, dead_letter_queue: str | None) -> Queue:
        declared = await (await self._opened()).declare_queue(name, passive=True)
        return Queue(name, name, name, declared.declaration_result.message_count or 0, dead_letter_queue)

    async def _receive(self, name: str, count: int) -> list[DeadMessage]:
        queue = await (await self._opened()).get_queue(name, ensure=False)
        received: list[DeadMessage] = []
        while len(received) < count and (message := await queue.get(fail=False)):
            dead = _dead_message(message)
            self._held[dead.id] = message
            received.append(dead)
        return received

    async def _send(self, name: str, message: AbstractIncomingMessage) -> str:
        """The id that the message has when it dies again."""
        new_id = str(uuid.uuid4())
        again = aio_pika.Message(
            message.body,
            content_type=message.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message.message_id,
            type=message.type,
            timestamp=message.timestamp,
            headers={_REDRIVE: new_id},
        )
        await (await self._opened()).default_exchange.publish(again, routing_key=name)
        return new_id

    async def _purge(self, name: str) -> None:
        queue = await (await self._opened()).get_queue(name, ensure=False)
        await queue.purge()

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)


def _dead_message(message: AbstractIncomingMessage) -> DeadMessage:
    """As of SQS; RabbitMQ counts deliveries in the queue that a message died in."""
    deaths = message.headers.get("x-death")
    died = deaths[0] if isinstance(deaths, list) and deaths else {}
    sent_at = message.timestamp.timestamp() * 1000 if message.timestamp else 0
    headers = {name: str(value) for name, value in message.headers.items() if name.startswith("ERROR_")}
    return DeadMessage(
        id=str(message.headers.get(_REDRIVE) or f"{message.message_id or 'message'}#{message.delivery_tag}"),
        receipt=str(message.delivery_tag),
        body=message.body.decode(errors="replace"),
        system={
            "SentTimestamp": str(int(sent_at)),
            "ApproximateReceiveCount": str(died.get("count", 1) if isinstance(died, dict) else 1),
        },
        attributes={name: {"DataType": "String", "StringValue": value} for name, value in headers.items()},
    )
