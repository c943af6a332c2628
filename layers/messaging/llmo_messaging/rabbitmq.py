"""The event bus on RabbitMQ: one durable topic exchange, one quorum queue per consumer.

Import this module only where RabbitMQ is the bus: it loads aio-pika. The decision is docs/adr/0007-rabbitmq.md.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from yarl import URL

from llmo_messaging.bus import Encode, PublishFailed, plain
from llmo_messaging.envelope import Envelope

CONTENT_TYPE = "application/cloudevents+json"  # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
DELIVERY_LIMIT = 5  # deliveries after the first one
_BACKOFF_SECONDS = 0.05
_CONNECT_SECONDS = 2
_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ConsumerQueue:
    """One consumer's durable queue.

    Args:
        name: The queue's name, unique on the broker's virtual host.
        event_types: The types it takes; each is a routing key, in which `*` and `#` mean what they mean to AMQP.
    """

    name: str
    event_types: tuple[str, ...]

    @property
    def dead_letter_queue(self) -> str:
        """The queue of what this consumer failed to handle."""
        return f"{self.name}.dead"


@dataclass(frozen=True, slots=True)
class _Opened:
    channel: AbstractChannel
    exchange: AbstractExchange


def dead_letter_exchange(exchange: str) -> str:
    """Where dead letters go through to their queues, by the name of the queue that they come from."""
    return f"{exchange}.dead"


async def declare(url: str, exchange: str, queues: Sequence[ConsumerQueue]) -> None:
    """Make the exchange, and each queue with its bindings and its dead-letter queue, where they do not exist.

    Safe to repeat, also side by side. A binding that is no longer named stays: AMQP cannot list bindings, and the
    consumer ignores types that it does not know. Raises aio-pika's ChannelPreconditionFailed when something of that
    name exists with other properties.
    """
    connection = await connect(url)
    async with connection, connection.channel() as channel:
        topic = await _declare_exchange(channel, exchange)
        dead = await channel.declare_exchange(
            dead_letter_exchange(exchange), aio_pika.ExchangeType.DIRECT, durable=True
        )
        for queue in queues:
            graveyard = await channel.declare_queue(
                queue.dead_letter_queue, durable=True, arguments={"x-queue-type": "quorum"}
            )
            await graveyard.bind(dead, routing_key=queue.name)
            # At-least-once dead-lettering needs `reject-publish`: https://www.rabbitmq.com/docs/quorum-queues
            declared = await channel.declare_queue(
                queue.name,
                durable=True,
                arguments={
                    "x-queue-type": "quorum",
                    "x-delivery-limit": DELIVERY_LIMIT,
                    "x-dead-letter-exchange": dead.name,
                    "x-dead-letter-routing-key": queue.name,
                    "x-dead-letter-strategy": "at-least-once",
                    "x-overflow": "reject-publish",
                },
            )
            for event_type in queue.event_types:
                await declared.bind(topic, routing_key=event_type)


class RabbitMqBus:
    """Publishes to one topic exchange, and makes it when it is not there.

    Publishers of one process share one channel: each writes its messages and awaits its own confirms, so that none
    waits for another's. The connection is made at the first use, and again when it was lost. The bus belongs to the
    event loop it is used on.

    An event that no queue is bound for is confirmed and dropped (`mandatory=False`), as on EventBridge.

    Args:
        url: The broker (`amqp://` or `amqps://`), with user, password and virtual host.
        exchange: The topic exchange, `llmo.<stage>`.
        encode: Writes events as text.
        jitter: Random number in [0, 1) that spreads retries.
        attempts: How often one event is tried.
        timeout_seconds: How long one `publish` may take, with all its attempts.
    """

    def __init__(
        self,
        *,
        url: str,
        exchange: str,
        encode: Encode = plain,
        jitter: Callable[[], float] = random.random,
        attempts: int = 4,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._exchange_name = exchange
        self._encode = encode
        self._jitter = jitter
        self._attempts = attempts
        self._timeout_seconds = timeout_seconds
        self._opening: asyncio.Task[_Opened] | None = None
        self._connection: AbstractConnection | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Return when the broker has confirmed all events; raise PublishFailed when it has not, after all attempts.

        A confirm that was lost leaves an event on the bus twice, with the same id.
        """
        connection = self._connection
        try:
            async with asyncio.timeout(self._timeout_seconds):
                outcomes = await asyncio.gather(*(self._publish(event) for event in events), return_exceptions=True)
        except TimeoutError as error:
            if connection is not None and self._connection is connection:
                self._abandon()  # a connection that went silent holds up no later publisher
            raise PublishFailed(f"{len(events)} events were not confirmed in {self._timeout_seconds} s") from error
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failed:
            raise PublishFailed(f"{len(failed)} of {len(events)} events were not confirmed: {failed[0]}") from failed[0]

    async def close(self) -> None:
        """Close the connection; what is under way is tried again on a new one. Safe to repeat."""
        if self._opening is not None:
            await asyncio.wait([self._opening])
        self._abandon()
        await asyncio.gather(*self._farewells)

    def _abandon(self) -> None:
        connection, self._connection, self._opening = self._connection, None, None
        if connection is not None:
            farewell = asyncio.create_task(_farewell(connection))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def _publish(self, event: Envelope) -> None:
        message = aio_pika.Message(
            (await self._encode(event)).encode(),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(event.id),
            type=event.type,
            timestamp=event.time,
        )
        for attempt in range(1, self._attempts + 1):
            try:
                exchange = await self._exchange()
                await exchange.publish(message, routing_key=event.type, mandatory=False)
            except Exception as error:
                if attempt == self._attempts:
                    raise PublishFailed(f"{type(error).__name__}: {error}") from error
            else:
                return
            await asyncio.sleep(_BACKOFF_SECONDS * 2**attempt * (0.5 + self._jitter()))

    async def _exchange(self) -> AbstractExchange:
        """The exchange on an open channel; those who come while it is being opened wait for the same attempt."""
        opening = self._opening
        if opening is None or (opening.done() and (opening.exception() or opening.result().channel.is_closed)):
            self._abandon()
            opening = self._opening = asyncio.create_task(self._open())
            opening.add_done_callback(_noticed)
        return (await asyncio.shield(opening)).exchange

    async def _open(self) -> _Opened:
        async with asyncio.timeout(_CONNECT_SECONDS):
            self._connection = await connect(self._url)
            channel = await self._connection.channel()
            return _Opened(channel, await _declare_exchange(channel, self._exchange_name))


async def connect(url: str) -> aio_pika.Connection:
    """A plain connection to a broker. Raises aio-pika's CONNECTION_EXCEPTIONS."""
    connection = aio_pika.Connection(URL(url))
    try:
        await connection.connect(timeout=_CONNECT_SECONDS)
    except BaseException:
        await connection.close()  # else its finalizer would try to, at no particular time
        raise
    return connection


async def _declare_exchange(channel: AbstractChannel, name: str) -> AbstractExchange:
    return await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)


async def _farewell(connection: AbstractConnection) -> None:
    """Close a connection, which may be lost; a broker that does not answer in time is left without a farewell."""
    with suppress(*CONNECTION_EXCEPTIONS):
        async with asyncio.timeout(_CONNECT_SECONDS):
            await connection.close()
    if not connection.is_closed:
        await connection.close()  # its transport is given up by now: this only marks it, for its finalizer


def _noticed(opening: asyncio.Task[_Opened]) -> None:
    """Whoever waited for it may be gone; its error is not to be reported as forgotten."""
    if not opening.cancelled():
        opening.exception()
