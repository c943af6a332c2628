"""Watching a stream of chunks, as chat completions and completions send them: it ends with `[DONE]`."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from integration.gateway.endpoints.meter import Meter, cost_comment
from integration.gateway.server_sent_events import EventBuffer, data_of, object_of, objects, split
from integration.gateway.usage import Json, read_usage, text_of
from llmo_core.errors import LlmoError

_DONE: Final = b"[DONE]"
_NULL_USAGE: Final = b',"usage":null'

type Texts = Callable[[Json], Iterator[str]]


class ChunkMeter(Meter):
    """Watches a stream of chunks go by.

    Bytes are passed on as they came, up to the last complete event. Only three things are changed: the usage chunk that
    the caller did not ask for is left out, so is the `"usage":null` that comes with it on every other chunk, and
    `[DONE]` is withheld, because the call is settled before the stream ends. Line ends become single newlines.

    Args:
        usage_wanted: Whether the caller asked for the usage chunk.
        texts: The texts in a choice.
    """

    def __init__(self, *, usage_wanted: bool, texts: Texts) -> None:
        super().__init__()
        self._usage_wanted = usage_wanted
        self._texts = texts
        self._buffer = EventBuffer()

    def feed(self, chunk: bytes) -> bytes:
        """Take what the provider sent and give what goes to the client, possibly nothing yet."""
        self._seen.append(chunk)
        events = self._buffer.complete(chunk)
        return self._passed(events) if events else b""

    def rest(self) -> bytes:
        """What is left when the provider has ended its stream without an empty line."""
        events = self._buffer.rest()
        return self._passed(events) if events else b""

    def closing(self, cost_pico: int) -> bytes:
        """The cost, and `[DONE]`."""
        return cost_comment(cost_pico) + b"data: [DONE]\n\n"

    def broken(self, error: LlmoError) -> bytes:
        """An error in OpenAI's shape."""
        shape = {"message": error.detail, "type": "server_error", "param": None, "code": error.code}
        return b"data: " + orjson.dumps({"error": shape}) + b"\n\n"

    @property
    def produced(self) -> str:
        """The text that the stream produced, all choices together."""
        return streamed_text(self.received, self._texts)

    def _passed(self, events: bytes) -> bytes:
        if self.model is None:
            self._read_model(events)
        if not self._usage_wanted:
            events = events.replace(_NULL_USAGE, b"")
        if b'"usage"' in events or b'"error"' in events or _DONE in events:
            return b"".join(event for event in split(events) if self._passes(event))
        return events

    def _passes(self, event: bytes) -> bool:
        data = data_of(event)
        if data == _DONE:
            self.finished = True
            return False
        body = object_of(data)
        self.failed = self.failed or bool(body.get("error"))
        usage = read_usage(body.get("usage"))
        if usage is None:
            return True
        self.usage = usage
        self._read_identity(body)
        return self._usage_wanted or bool(body.get("choices"))

    def _read_model(self, events: bytes) -> None:
        for event in split(events):
            self._read_identity(object_of(data_of(event)))
            if self.model is not None:
                return

    def _read_identity(self, body: Json) -> None:
        self.model = text_of(body, "model") or self.model
        self.service_tier = text_of(body, "service_tier") or self.service_tier


def streamed_text(received: bytes, texts: Texts) -> str:
    """The text that a stream of chunks produced, all choices together."""
    return "".join(text for body in objects(received) for choice in choices(body) for text in texts(choice))


def choices(body: Json) -> Iterator[dict[str, Any]]:
    """The choices of an answer or a chunk."""
    found = body.get("choices")
    return (choice for choice in found if isinstance(choice, dict)) if isinstance(found, list) else iter(())
