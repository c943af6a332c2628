"""Dead-letter queues on RabbitMQ, for messages that can never be read. Import it only where RabbitMQ is the bus."""

import asyncio

import aio_pika

from llmo_messaging.dead_letters import CODE, CODE_ATTRIBUTE, REASON_ATTRIBUTE, BurialFailed
from llmo_messaging.messages import Message
from llmo_messaging.rabbitmq import CONTENT_TYPE, connect, dead_letter_exchange

_TIMEOUT_SECONDS = 5


class RabbitMqDeadLetters:
    """The dead-letter queues of all consumers: a message goes to that of the queue it comes from.

    Each burial has a connection of its own: there is hardly ever one.

    Args:
        url: The broker.
        exchange: The topic exchange, `llmo.<stage>`.
    """

    def __init__(self, url: str, exchange: str) -> None:
        self._url = url
        self._exchange = dead_letter_exchange(exchange)

    async def bury(self, message: Message, reason: str) -> None:
        """Return when the dead-letter queue has the message; raise BurialFailed when it has not."""
        letter = aio_pika.Message(
            message.body.encode(),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={CODE_ATTRIBUTE: CODE, REASON_ATTRIBUTE: reason},
        )
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), await connect(self._url) as connection:
                channel = await connection.channel(on_return_raises=True)
                exchange = await channel.get_exchange(self._exchange)
                await exchange.publish(letter, routing_key=message.queue)
        except Exception as error:
            raise BurialFailed(f"{type(error).__name__}: {error}") from error
