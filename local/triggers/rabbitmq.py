"""Event source mappings of RabbitMQ: consuming queues and invoking their consumers, as Amazon MQ's do."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from llmo_messaging.rabbitmq import connect
from local.runtime.models import RuntimeHostError
from local.stack import RabbitMqTrigger, StackSpec
from local.triggers.batches import BATCHES_AT_ONCE, QUIET_SECONDS, RETRY_PAUSE_SECONDS, BatchFeeder
from local.triggers.clock import Clock
from local.triggers.rabbitmq_event import delivery_count, rabbitmq_event
from local.triggers.schedules import Functions

logger = logging.getLogger(__name__)


def growing_pause(deliveries: int) -> float:
    """Seconds until a failed batch is delivered again: 0.5, 1, 2, 4, 8.

    Without a pause a store's outage of a moment would use up the queue's delivery limit.
    """
    return min(0.5 * (1 << deliveries), 8.0)


class RabbitMqConsumers:
    """Consumes every RabbitMQ queue of the stack. Args as RabbitMqConsumer's."""

    def __init__(self, stack: StackSpec, functions: Functions, url: str) -> None:
        self._consumers = [RabbitMqConsumer(trigger, functions, url) for trigger in stack.rabbitmq_triggers]

    def start(self) -> None:
        """Begin to consume."""
        for consumer in self._consumers:
            consumer.start()

    async def stop(self) -> None:
        """Let batches under way finish, and consume no more. Safe to call twice."""
        await asyncio.gather(*(consumer.stop() for consumer in self._consumers))

    def health(self) -> Mapping[str, object]:
        """Tell, per function, whether its queue is being consumed."""
        return {consumer.function: {"ready": consumer.ready} for consumer in self._consumers}


class RabbitMqConsumer(BatchFeeder):
    """Feeds one function from one queue.

    The broker pushes as many messages as the batches under way can hold. A batch is invoked when it is full, the window
    is over, or the queue has been quiet for a moment. As on AWS it succeeds or fails as a whole: it is acknowledged, or
    goes back to its queue, which counts.

    Args:
        trigger: The event source mapping.
        functions: Runs the consumer.
        url: The broker.
        clock: Waits.
        retry_pause: Seconds until a failed batch goes back, by how often its messages were delivered before.
    """

    def __init__(
        self,
        trigger: RabbitMqTrigger,
        functions: Functions,
        url: str,
        *,
        clock: Clock | None = None,
        retry_pause: Callable[[int], float] = growing_pause,
    ) -> None:
        super().__init__(trigger.function, clock)
        self._trigger = trigger
        self._functions = functions
        self._url = url
        self._retry_pause = retry_pause

    async def _read(self) -> None:
        while True:
            try:
                await self._consume_until_lost()
            except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                logger.warning("%s cannot consume its queue: %r", self.function, error)
            await self._clock.sleep(RETRY_PAUSE_SECONDS)

    async def _consume_until_lost(self) -> None:
        """Consume over one connection, until it is lost or this task is cancelled."""
        connection = await connect(self._url)
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=self._trigger.batch_size * BATCHES_AT_ONCE)
            queue = await channel.get_queue(self._trigger.queue)
            arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            await queue.consume(arrived.put)
            self.ready = True
            lost = asyncio.ensure_future(channel.closed())
            gathering = asyncio.create_task(self._gather_for_ever(arrived))
            try:
                await asyncio.wait([lost, gathering], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.ready = False
                gathering.cancel()
                with suppress(asyncio.CancelledError):
                    await gathering
                lost.cancel()
                await self._finish()
        finally:
            with suppress(*CONNECTION_EXCEPTIONS):
                await connection.close()

    async def _gather_for_ever(self, arrived: asyncio.Queue[AbstractIncomingMessage]) -> None:
        while True:
            batch = await self._next(lambda: self._gather(arrived))
            self._hand_over(self._handle(batch))

    async def _gather(self, arrived: asyncio.Queue[AbstractIncomingMessage]) -> Sequence[AbstractIncomingMessage]:
        batch = [await arrived.get()]
        began = self._clock.now()
        while len(batch) < self._trigger.batch_size:
            if (self._clock.now() - began).total_seconds() >= self._trigger.window_seconds:
                break
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    batch.append(await arrived.get())
            except TimeoutError:
                break
        return batch

    async def _handle(self, batch: Sequence[AbstractIncomingMessage]) -> None:
        """Settle a batch. When the connection is lost meanwhile, the broker delivers it again by itself."""
        try:
            if await self._worked_off(batch):
                for message in batch:
                    await message.ack()
            else:
                await self._clock.sleep(self._retry_pause(max(map(delivery_count, batch))))
                for message in batch:
                    await message.nack(requeue=True)
        except (*CONNECTION_EXCEPTIONS, RuntimeHostError) as error:
            logger.warning("%s leaves a batch to its redelivery: %r", self.function, error)

    async def _worked_off(self, batch: Sequence[AbstractIncomingMessage]) -> bool:
        invocation = await self._functions.invoke(self.function, rabbitmq_event(batch, self._trigger))
        if invocation.function_error:
            logger.error("%s failed on a batch of %d: %s", self.function, len(batch), invocation.payload.decode())
        return not invocation.function_error
