"""Messages as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from typing import Final

import orjson

from analytics.live.models import Beat, Counters, Ended, Failed, Message
from analytics.live.schemas import CountersOut
from llmo_core.http.event_stream import event

_RETRY: Final = b"retry: 1000\n"
_RETRY_AFTER_FAULT: Final = b"retry: 5000\n"


def frame(message: Message) -> bytes:
    """A message with its end."""
    match message:
        case Counters():
            return event("counters", CountersOut.of(message).model_dump_json().encode())
        case Beat():
            return b": still here\n\n"
        case Failed(code=code, detail=detail):
            return _RETRY_AFTER_FAULT + event("error", orjson.dumps({"code": code, "detail": detail}))
        case Ended():
            return _RETRY + event("end", b"{}")
