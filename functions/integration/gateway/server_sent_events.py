"""Server-sent events as bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

EVENT_END: Final = b"\n\n"
_DATA: Final = b"data:"


class EventBuffer:
    """Puts the pieces of a stream together to whole events. Line ends become single newlines."""

    def __init__(self) -> None:
        self._pending = b""

    def complete(self, chunk: bytes) -> bytes:
        """The events that are complete with this piece; possibly none yet."""
        pending = self._pending + chunk
        if b"\r" in pending:
            whole = pending.removesuffix(b"\r")  # its newline may come with the next chunk
            pending = whole.replace(b"\r\n", b"\n") + pending[len(whole) :]
        end = pending.rfind(EVENT_END) + len(EVENT_END)
        if end < len(EVENT_END):
            self._pending = pending
            return b""
        self._pending = pending[end:]
        return pending[:end]

    def rest(self) -> bytes:
        """The last event of a stream that ended without an empty line; empty when there is none."""
        pending, self._pending = self._pending.strip(), b""
        return pending + EVENT_END if pending else b""


def split(events: bytes) -> Iterator[bytes]:
    """Each event of several, with its end."""
    return (event + EVENT_END for event in events.split(EVENT_END) if event)


def data_of(event: bytes) -> bytes:
    """The data of an event, without its other fields and comments."""
    lines = event.strip().split(b"\n")
    return b"\n".join(line.removeprefix(_DATA).strip() for line in lines if line.startswith(_DATA))


def object_of(data: bytes) -> dict[str, Any]:
    """The object in an event's data; empty for anything else, such as a comment or a broken chunk."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def objects(received: bytes) -> Iterator[dict[str, Any]]:
    """The objects in all events of a stream."""
    return (object_of(data_of(event)) for event in split(received.replace(b"\r\n", b"\n")))
