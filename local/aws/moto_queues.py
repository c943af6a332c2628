"""moto's queues, without what slowed them down and what lost messages.

A backlog of a few thousand events brought the stand-in to a standstill (docs/benchmarks.md). moto's server answers in
threads; a deletion there copies the queue's messages without the one to delete, and what another thread sent to the
queue in the meantime is not in the copy.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.utils import unix_time
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

_DEDUPLICATION = "ContentBasedDeduplication"
_all_attributes = Queue.attributes.fget  # type: ignore[attr-defined]


class Attributes(Mapping[str, Any]):
    """A queue's attributes. Most of moto asks for one that costs nothing, and counted all messages to answer it."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    @functools.cached_property
    def _all(self) -> dict[str, Any]:
        attributes: dict[str, Any] = _all_attributes(self._queue)
        return attributes

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever moto keeps
        if name == _DEDUPLICATION:
            if not self._queue.fifo_queue:
                raise KeyError(name)
            return str(getattr(self._queue, "content_based_deduplication", False)).lower()
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def is_valid(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    """Whether a message's retention period is not over yet."""
    period = int(backend.get_queue(queue_name).message_retention_period)  # type: ignore[attr-defined]
    sent_at: float = message.sent_timestamp / 1000  # type: ignore[operator]
    return period + sent_at > unix_time()


def delete_message(queue: Queue, receipt_handle: str) -> None:
    """Delete a message, whoever sends others in the meantime. Raises ReceiptHandleIsInvalid when it is none of ours."""
    if receipt_handle in queue.deleted_messages:
        return
    for message in list(queue._messages):  # noqa: SLF001 - a copy: others send and delete
        if message.had_receipt_handle(receipt_handle):
            break
    else:
        raise ReceiptHandleIsInvalid
    queue.pending_messages.discard(message)
    queue.deleted_messages.update(filter(None, message.all_receipt_handles))
    with contextlib.suppress(ValueError):  # another call deleted it
        queue._messages.remove(message)  # noqa: SLF001 - moto has no other way to it


def mend() -> None:
    """Put the replacements into moto."""
    Queue.attributes = property(Attributes)  # type: ignore[assignment]
    Queue.delete_message = delete_message  # type: ignore[method-assign, assignment]
    SQSBackend.is_message_valid_based_on_retention_period = is_valid  # type: ignore[assignment,method-assign]
