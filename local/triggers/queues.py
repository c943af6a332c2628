"""Event source mappings: polling queues and invoking their consumers."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import aiohttp

from local.runtime.models import RuntimeHostError
from local.stack import QueueTrigger, StackSpec
from local.triggers.batches import QUIET_SECONDS, RETRY_PAUSE_SECONDS, BatchFeeder
from local.triggers.clock import Clock
from local.triggers.schedules import Functions
from local.triggers.sqs_client import MAX_RECEIVE, Message, SqsClient, SqsError
from local.triggers.sqs_event import failed_messages, sqs_event

logger = logging.getLogger(__name__)

WAIT_SECONDS = 10


def growing_delay(receive_count: int) -> int:
    """Seconds until a failed message is tried again: 1, 2, 4, … 60.

    On AWS it is the queue's visibility timeout, minutes long; at a laptop nobody wants to wait for that.
    """
    return min(1 << min(receive_count - 1, 6), 60)


class QueuePollers:
    """Polls every queue that the stack consumes. Args as QueuePoller's."""

    def __init__(self, stack: StackSpec, functions: Functions, *, clock: Clock | None = None) -> None:
        self._client = SqsClient(stack.aws_endpoint_url, stack.region)
        self._pollers = [QueuePoller(trigger, self._client, functions, clock=clock) for trigger in stack.queue_triggers]

    async def start(self) -> None:
        """Begin to poll."""
        await self._client.start()
        for poller in self._pollers:
            poller.start()

    async def stop(self) -> None:
        """Let batches under way finish, and poll no more. Safe to call twice."""
        await asyncio.gather(*(poller.stop() for poller in self._pollers))
        await self._client.stop()

    def health(self) -> Mapping[str, object]:
        """Tell, per consumer, whether its queue is being polled."""
        return {poller.function: {"ready": poller.ready} for poller in self._pollers}


class QueuePoller(BatchFeeder):
    """Feeds one function from one queue.

    Messages are gathered until the batch is full, the window is over, or the queue has been quiet for a moment: the
    window is the longest wait, not a pause that every event has to sit out.

    Args:
        trigger: The event source mapping.
        client: Calls SQS.
        functions: Runs the consumer.
        clock: Measures the window.
        retry_delay: Seconds until a failed message may be received again, by how often it was received.
    """

    def __init__(
        self,
        trigger: QueueTrigger,
        client: SqsClient,
        functions: Functions,
        *,
        clock: Clock | None = None,
        retry_delay: Callable[[int], int] = growing_delay,
    ) -> None:
        super().__init__(trigger.function, clock)
        self._trigger = trigger
        self._client = client
        self._functions = functions
        self._retry_delay = retry_delay

    async def _read(self) -> None:
        while True:
            try:
                messages = await self._next(self._gather)
            except (aiohttp.ClientError, TimeoutError, SqsError) as error:
                self.ready = False
                logger.warning("%s cannot poll its queue: %s", self.function, error)
                await self._clock.sleep(RETRY_PAUSE_SECONDS)
            else:
                self._hand_over(self._handle(messages))

    async def _gather(self) -> list[Message]:
        trigger = self._trigger
        messages: list[Message] = []
        while not messages:
            messages = await self._receive(trigger.batch_size, WAIT_SECONDS if self.ready else 0)
            self.ready = True
        began = self._clock.now()
        quiet = False
        while len(messages) < trigger.batch_size:
            if (self._clock.now() - began).total_seconds() >= trigger.window_seconds:
                break
            more = await self._receive(trigger.batch_size - len(messages), 0)
            messages += more
            if not more:
                if quiet:
                    break
                await self._clock.sleep(QUIET_SECONDS)
            quiet = not more
        return messages

    async def _receive(self, count: int, wait_seconds: int) -> list[Message]:
        return await self._client.receive(
            self._trigger.queue_url, count=min(count, MAX_RECEIVE), wait_seconds=wait_seconds
        )

    async def _handle(self, messages: Sequence[Message]) -> None:
        try:
            failed = await self._invoke(messages)
            failed_ids = {message["MessageId"] for message in failed}
            done = [message for message in messages if message["MessageId"] not in failed_ids]
            if done:
                await self._client.delete(self._trigger.queue_url, done)
            if failed:
                delays = [self._retry_delay(_receive_count(message)) for message in failed]
                await self._client.make_visible(self._trigger.queue_url, failed, delays)
        except (aiohttp.ClientError, TimeoutError, SqsError, RuntimeHostError) as error:
            logger.warning("%s leaves a batch to its visibility timeout: %s", self.function, error)

    async def _invoke(self, messages: Sequence[Message]) -> list[Message]:
        """Run the consumer and return the messages that it did not work off."""
        invocation = await self._functions.invoke(self.function, sqs_event(messages, self._trigger))
        if invocation.function_error:
            logger.error("%s failed on a batch of %d: %s", self.function, len(messages), invocation.payload.decode())
            return list(messages)
        failed = failed_messages(messages, invocation.payload, partial_failures=self._trigger.partial_failures)
        if failed:
            logger.warning("%s reports %d of %d messages as failed", self.function, len(failed), len(messages))
        return failed


def _receive_count(message: Message) -> int:
    return int(message["Attributes"]["ApproximateReceiveCount"])
