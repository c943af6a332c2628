"""Messages as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import Mapping
from typing import Final

import orjson

from integration.live.models import Beat, Begun, Displaced, Ended, Failed, Gap, Message, Seen, Summary
from llmo_core.http.event_stream import event

_RETRY_MS: Final = 1_000
_RETRY_AFTER_FAULT_MS: Final = 5_000
_RETRY_DISPLACED_MS: Final = 30_000  # or two that displace each other would do so every second


def frame(message: Message) -> bytes:
    """A message with its end; empty for what a watcher is not told."""
    match message:
        case Seen(position=position, call=call):
            framed = event("usage", call.model_dump_json().encode(), position) if call is not None else b""
        case Begun(position=position):  # an id without data is kept too: whoever saw no call yet comes back to it
            framed = b"retry: %d\nid: %s\n: watching\n\n" % (_RETRY_MS, position.encode())
        case Summary():
            framed = event("summary", message.model_dump_json().encode())
        case Failed(code=code, detail=detail):
            body = orjson.dumps({"code": code, "detail": detail})
            framed = b"retry: %d\n" % _RETRY_AFTER_FAULT_MS + event("error", body)
        case _:
            framed = _WITHOUT_DATA[type(message)]
    return framed


_WITHOUT_DATA: Final[Mapping[type[Message], bytes]] = {
    Beat: b": still here\n\n",
    Gap: event("gap", b"{}"),
    Ended: b"retry: %d\n" % _RETRY_MS + event("end", b"{}"),
    Displaced: b"retry: %d\n" % _RETRY_DISPLACED_MS + event("end", b'{"reason":"displaced"}'),
}
