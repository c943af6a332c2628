"""What the command prints."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from local.dlq.messages import DeadMessage
from local.dlq.queues import DeadLetterQueue
from local.dlq.redrive import Tally

_BODY_LINES = 5
_LINE_CHARACTERS = 200
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_NOTHING = "-"


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 d`, `2 h`, `15 min`, `0 s`."""
    seconds = max(int((now - since) / timedelta(seconds=1)), 0)
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds // size} {unit}"


def queue_row(dead: DeadLetterQueue, seen: Sequence[DeadMessage], now: datetime) -> tuple[str, ...]:
    """A row of the table; `≥` when there are more messages than were looked at: one of those may be older."""
    oldest = age(min(message.sent_at for message in seen), now) if seen else _NOTHING
    more = "≥ " if seen and dead.queue.depth > len(seen) else ""
    sources = ", ".join(source.name for source in dead.sources)
    return dead.queue.name, str(dead.queue.depth), more + oldest, sources or "no queue"


def table(rows: Sequence[Sequence[str]]) -> str:
    """The dead-letter queues in columns, the numbers to the right."""
    rows = [("DEAD-LETTER QUEUE", "DEPTH", "OLDEST", "BELONGS TO"), *rows]
    name, depth, oldest = (max(len(row[column]) for row in rows) for column in range(3))
    return "\n".join(f"{row[0]:<{name}}  {row[1]:>{depth}}  {row[2]:>{oldest}}  {row[3]}" for row in rows)


def message_text(message: DeadMessage, now: datetime) -> str:
    """A message for people: what it is about, and the first lines of its body."""
    facts = {
        "sent": f"{rfc3339(message.sent_at)}, {age(message.sent_at, now)} ago",
        "received": f"{message.receive_count} times",
        "type": message.event_type or _NOTHING,
        "org": message.org_id or _NOTHING,
        "event": message.event_id or _NOTHING,
        **({"error": message.error} if message.error else {}),
    }
    body = message.body.splitlines()
    lines = [line[:_LINE_CHARACTERS] + ("…" if len(line) > _LINE_CHARACTERS else "") for line in body[:_BODY_LINES]]
    lines += ["…"] if len(body) > _BODY_LINES else []
    text = [message.id, *(f"  {name:<9} {value}" for name, value in facts.items()), "  body"]
    return "\n".join(printable(line) for line in [*text, *(f"    {line}" for line in lines)])


def message_json(message: DeadMessage) -> str:
    """A message for programs: one line, with the whole body."""
    return json.dumps(
        {
            "id": message.id,
            "sent_at": rfc3339(message.sent_at),
            "receive_count": message.receive_count,
            "type": message.event_type,
            "org_id": message.org_id,
            "event_id": message.event_id,
            "error": message.error,
            "body": message.body,
        }
    )


def tally_lines(tally: Tally, source: str, target: str) -> list[str]:
    """What a redrive did and what it could not do."""
    lines = [f"Moved {_messages(tally.moved)} from {source} to {target}."]
    if tally.returned:
        lines.append(f"{_messages(tally.returned)} failed again meanwhile: is the consumer mended?")
    lines += [f"Not moved: {message_id}: {reason}" for message_id, reason in tally.refused.items()]
    lines += [
        f"Moved, but still here as well: {message_id}: {reason}" for message_id, reason in tally.undeleted.items()
    ]
    return [printable(line) for line in lines]


def rfc3339(moment: datetime) -> str:
    """To the millisecond, as SQS knows it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def printable(line: str) -> str:
    """The line without anything that a terminal would obey."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def _messages(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"
