"""Which queues are dead-letter queues, whose they are, and what lies in them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.dlq.messages import DeadMessage
from local.dlq.sqs import Queue

HOLD_SECONDS = 120
"""Messages that this command held when it was killed are visible to others again after this long."""


class Broker(Protocol):
    """What has the queues: SQS or RabbitMQ. Everything raises its client's errors."""

    def queues(self, prefix: str) -> list[Queue]:
        """The queues whose name begins so, by name."""
        ...

    def receive(self, queue: Queue, count: int, *, hold_seconds: int) -> list[DeadMessage]:
        """Take up to ten messages that nobody else gets for a while. An empty list means that there are none."""
        ...

    def send(self, queue: Queue, messages: Sequence[DeadMessage]) -> tuple[dict[str, str], dict[str, str]]:
        """Send up to ten messages: for each old id the new one, and for each that was refused the reason."""
        ...

    def delete(self, queue: Queue, messages: Sequence[DeadMessage]) -> dict[str, str]:
        """Delete messages; for each that was not, by its id, the reason."""
        ...

    def release(self, queue: Queue, messages: Sequence[DeadMessage]) -> None:
        """Let others have them at once."""
        ...

    def purge(self, queue: Queue) -> None:
        """Delete every message."""
        ...


class DlqError(Exception):
    """A refusal; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """A dead-letter queue and the queues whose failed messages it takes: none for those of schedules and functions."""

    queue: Queue
    sources: tuple[Queue, ...]


class Queues:
    """The queues of one stack.

    Args:
        queues: All of them, not only the dead-letter queues.
    """

    def __init__(self, queues: Sequence[Queue]) -> None:
        self._queues = {queue.name: queue for queue in queues}
        targets = {queue.dead_letter_arn for queue in queues}
        self.dead_letter = [
            DeadLetterQueue(queue, tuple(source for source in queues if source.dead_letter_arn == queue.arn))
            for queue in queues
            if queue.arn in targets or queue.name.removesuffix(".fifo").endswith("-dead")
        ]

    def dead_letter_queue(self, name: str) -> DeadLetterQueue:
        """The dead-letter queue of this name. Raises DlqError with the known ones."""
        for found in self.dead_letter:
            if found.queue.name == name:
                return found
        raise DlqError(_unknown("dead-letter queue", name, [known.queue.name for known in self.dead_letter]))

    def target(self, dead: DeadLetterQueue, name: str | None) -> Queue:
        """Where its messages go back to: the named queue, else the only one they come from. Raises DlqError."""
        if name is not None:
            if name == dead.queue.name:
                raise DlqError(f"{name} is where the messages are already.")
            if name not in self._queues:
                raise DlqError(_unknown("queue", name, self._queues))
            return self._queues[name]
        if not dead.sources:
            raise DlqError(
                f"{dead.queue.name} belongs to no queue: it keeps what a schedule or a function's invocation left. "
                "Invoke the function again, or name a queue with --to."
            )
        if len(dead.sources) > 1:
            names = ", ".join(source.name for source in dead.sources)
            raise DlqError(f"{dead.queue.name} belongs to several queues: name one with --to: {names}")
        return dead.sources[0]


@contextmanager
def held(broker: Broker, queue: Queue) -> Iterator[list[DeadMessage]]:
    """A list of received messages. What is in it at the end, even after an error, is visible to others at once."""
    messages: list[DeadMessage] = []
    try:
        yield messages
    finally:
        with suppress(BotoCoreError, ClientError):  # then they come back when their hold ends
            broker.release(queue, messages)


def peek(broker: Broker, queue: Queue, limit: int) -> list[DeadMessage]:
    """Up to `limit` messages, oldest first, which stay in the queue; each look adds one to their receive count.

    They are hidden from others only while this reads on. Raises botocore's errors.
    """
    with held(broker, queue) as messages:
        while len(messages) < limit:
            more = broker.receive(queue, limit - len(messages), hold_seconds=HOLD_SECONDS)
            if not more:
                break
            messages.extend(more)
    unique = {message.id: message for message in messages}
    return sorted(unique.values(), key=lambda message: message.sent_at)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = "".join(f"\n  {one}" for one in known)
    return f"There is no {kind} {name}. " + (f"There are:{names}" if names else "There are none at all.")
