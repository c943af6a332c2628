"""Event source mappings of RabbitMQ: consuming queues and invoking their consumers, as Amazon MQ's do."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from llmo_messaging.rabbitmq import connect
from local.runtime.models import RuntimeHostError
from local.stack import RabbitMqTrigger, StackSpec
from local.triggers.clock import Clock, SystemClock
from local.triggers.rabbitmq_event import delivery_count, rabbitmq_event
from local.triggers.schedules import Functions

logger = logging.getLogger(__name__)

BATCHES_AT_ONCE = 2
QUIET_SECONDS = 0.05
RETRY_PAUSE_SECONDS = 2.0


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
        return {consumer.function: {"ready": consumer.consuming} for consumer in self._consumers}


class RabbitMqConsumer:
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
        self._trigger = trigger
        self._functions = functions
        self._url = url
        self._clock: Clock = clock or SystemClock()
        self._retry_pause = retry_pause
        self._batches: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self.consuming = False

    @property
    def function(self) -> str:
        """The consumer."""
        return self._trigger.function

    def start(self) -> None:
        """Begin to consume."""
        self._loop = asyncio.create_task(self._consume())

    async def stop(self) -> None:
        """Consume no more, and wait for batches under way. Safe to call twice."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None

    async def _consume(self) -> None:
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
            self.consuming = True
            lost = asyncio.ensure_future(channel.closed())
            gathering = asyncio.create_task(self._gather(arrived))
            try:
                await asyncio.wait([lost, gathering], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.consuming = False
                gathering.cancel()
                with suppress(asyncio.CancelledError):
                    await gathering
                lost.cancel()
                while self._batches:
                    await asyncio.wait(self._batches)
        finally:
            with suppress(*CONNECTION_EXCEPTIONS):
                await connection.close()

    async def _gather(self, arrived: asyncio.Queue[AbstractIncomingMessage]) -> None:
        places = asyncio.Semaphore(BATCHES_AT_ONCE)
        while True:
            await places.acquire()
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
            self._background(self._handle(batch), places.release)

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

    def _background(self, work: Coroutine[object, object, None], afterwards: Callable[[], None]) -> None:
        task = asyncio.create_task(work)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        task.add_done_callback(lambda _: afterwards())
