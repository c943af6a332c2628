"""`python -m local dlq`: list dead-letter queues, show, move back and delete their messages."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from botocore.exceptions import BotoCoreError, ClientError

from local.dlq.connection import connect
from local.dlq.queues import Broker, DlqError, Queues, peek
from local.dlq.redrive import Redrive
from local.dlq.report import message_json, message_text, queue_row, table, tally_lines

_LOOKED_AT = 100  # messages of each queue, for the age of the oldest
_PROGRESS_EVERY = 100


def dlq(options: argparse.Namespace) -> int:
    """Run a command. 1 says that some messages could not be moved, 2 that it could not do its work, 130 Ctrl-C."""
    actions: dict[str, Callable[[Broker, Queues, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "redrive": _redrive,
        "purge": _purge,
    }
    try:
        with connect(options) as (broker, prefix):
            return actions[options.action](broker, Queues(broker.queues(prefix)), options)
    except (DlqError, BotoCoreError, ClientError, *CONNECTION_EXCEPTIONS) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _list(broker: Broker, queues: Queues, _: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    rows = [queue_row(dead, peek(broker, dead.queue, _LOOKED_AT), now) for dead in queues.dead_letter]
    print(table(rows) if rows else "There are no dead-letter queues here.")
    return 0


def _show(broker: Broker, queues: Queues, options: argparse.Namespace) -> int:
    queue = queues.dead_letter_queue(options.queue).queue
    messages = peek(broker, queue, options.limit)
    now = datetime.now(UTC)
    for message in messages:
        print(message_json(message) if options.json else message_text(message, now))
    if not messages and not options.json:
        hidden = f"shows none of its {queue.depth} messages: somebody else holds them." if queue.depth else "is empty."
        print(f"{queue.name} {hidden}")
    return 0


def _redrive(broker: Broker, queues: Queues, options: argparse.Namespace) -> int:
    dead = queues.dead_letter_queue(options.queue)
    target = queues.target(dead, options.to)
    expected = min(dead.queue.depth, options.limit or dead.queue.depth)
    if options.dry_run:
        print(f"Would move about {expected} of {dead.queue.depth} messages from {dead.queue.name} to {target.name}.")
        return 0
    redrive = Redrive(broker, dead.queue, target, progress=_Progress(expected))
    try:
        redrive.run(options.limit)
    finally:
        print("\n".join(tally_lines(redrive.tally, dead.queue.name, target.name)))
    return 0 if redrive.tally.complete else 1


def _purge(broker: Broker, queues: Queues, options: argparse.Namespace) -> int:
    queue = queues.dead_letter_queue(options.queue).queue
    if not options.yes:
        raise DlqError(f"This deletes about {queue.depth} messages of {queue.name} for good. To do so, add --yes.")
    broker.purge(queue)
    print(f"Deleted about {queue.depth} messages of {queue.name}. On AWS it takes up to a minute.")
    return 0


class _Progress:
    """Says every hundred messages how far it is."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._said = 0

    def __call__(self, moved: int) -> None:
        if moved - self._said >= _PROGRESS_EVERY:
            self._said = moved
            print(f"moved {moved} of about {self._expected}", file=sys.stderr, flush=True)
