"""Moving dead messages back to a queue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from local.dlq.messages import DeadMessage
from local.dlq.queues import HOLD_SECONDS, Broker, held
from local.dlq.sqs import MAX_BATCH, Queue

_BATCH_BYTES = 262_144  # what every SQS endpoint takes in one request; a larger message goes alone
_MOST_REFUSALS = 100  # then it is not the messages


@dataclass
class Tally:
    """What a redrive did, also when an error ended it.

    Attributes:
        moved: Sent, and deleted here.
        refused: Still here: the reasons by message id.
        undeleted: Sent, and still here: the reasons by message id. The next redrive sends them a second time.
        returned: Failed again while the redrive ran, and left here.
    """

    moved: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    undeleted: dict[str, str] = field(default_factory=dict)
    returned: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing went wrong."""
        return not self.refused and not self.undeleted


class Redrive:
    """Moves messages from one queue to another: each is sent first and deleted after.

    A crash in between leaves a message in both queues, and never in none: consumers must stand a second delivery.
    Messages that fail again while it runs stay where they are, so that it ends. Order within a group is kept in FIFO
    queues, except that a message which SQS refuses is overtaken by the others of its batch.

    Args:
        broker: Has both queues.
        source: The dead-letter queue.
        target: Where its messages go.
        progress: Told how many were moved, after each batch.
    """

    def __init__(self, broker: Broker, source: Queue, target: Queue, *, progress: Callable[[int], None]) -> None:
        self._broker = broker
        self._source = source
        self._target = target
        self._progress = progress
        self._sent: set[str] = set()
        self._new_ids: set[str] = set()
        self._seen: set[str] = set()
        self.tally = Tally()

    def run(self, limit: int | None = None) -> None:
        """Move up to `limit` messages, or all. Raises botocore's errors; `tally` is right then, too."""
        with held(self._broker, self._source) as kept:
            while len(self.tally.refused) < _MOST_REFUSALS:
                count = MAX_BATCH if limit is None else limit - len(self._sent)
                messages = self._broker.receive(self._source, count, hold_seconds=HOLD_SECONDS) if count > 0 else []
                kept.extend(messages)
                unseen = [message for message in messages if message.id not in self._seen]
                self._seen.update(message.id for message in messages)
                self._delete([message for message in messages if message.id in self._sent], kept)
                if not unseen:
                    break
                self._move(unseen, kept)
                self._progress(self.tally.moved)

    def _move(self, messages: Sequence[DeadMessage], kept: list[DeadMessage]) -> None:
        back = [message for message in messages if message.id in self._new_ids]
        self.tally.returned += len(back)
        for batch in _batches([message for message in messages if message.id not in self._new_ids]):
            sent, refused = self._broker.send(self._target, batch)
            self._sent.update(sent)
            self._new_ids.update(sent.values())
            self.tally.refused |= refused
            self._delete([message for message in batch if message.id in sent], kept)

    def _delete(self, messages: Sequence[DeadMessage], kept: list[DeadMessage]) -> None:
        """Delete what was sent, and count it as moved once it is gone."""
        if not messages:
            return
        refused = self._broker.delete(self._source, messages)
        gone = {message.id for message in messages} - refused.keys()
        kept[:] = [message for message in kept if message.id not in gone]
        self.tally.moved += len(gone)
        self.tally.undeleted = {
            message_id: reason
            for message_id, reason in (self.tally.undeleted | refused).items()
            if message_id not in gone
        }


def _batches(messages: Sequence[DeadMessage]) -> Iterator[list[DeadMessage]]:
    """In order, none larger than a request may be."""
    batch: list[DeadMessage] = []
    for message in messages:
        if batch and sum(one.size_bytes for one in [*batch, message]) > _BATCH_BYTES:
            yield batch
            batch = []
        batch.append(message)
    if batch:
        yield batch
