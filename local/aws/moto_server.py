"""moto's server, with a few of its functions replaced: here those that were slow.

`python -m local.aws.moto_server -H <host> -p <port>` is `python -m moto.server` in every other respect. Three of them
took longer the more messages a queue held: a backlog of a few thousand events brought the stand-in to a standstill
(docs/benchmarks.md). What was wrong with state machines is put right in `local.aws.moto_state_machines`, and
`local.aws.moto_keys` makes keys last.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jsonpath_ng.ext
from moto.core.utils import unix_time
from moto.server import main
from moto.sqs.models import Message, Queue, SQSBackend

from local.aws.moto_keys import keep
from local.aws.moto_state_machines import mend

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


def replace() -> None:
    """Put the replacements into moto."""
    Queue.attributes = property(Attributes)  # type: ignore[assignment]
    SQSBackend.is_message_valid_based_on_retention_period = is_valid  # type: ignore[assignment,method-assign]
    parse = functools.cache(jsonpath_ng.ext.parse)  # type: ignore[attr-defined]
    jsonpath_ng.ext.parse = parse  # type: ignore[attr-defined] # moto parses the same eight paths for every event


if __name__ == "__main__":
    replace()
    mend()
    keep()
    main()
