"""Finding the usage in a provider's answer, plain or streamed, without touching the bytes that pass."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from integration.gateway.models import Usage

_EVENT_END: Final = b"\n\n"
_DONE: Final = b"[DONE]"
_NULL_USAGE: Final = b',"usage":null'
_DATA: Final = b"data:"


def read_usage(body: dict[str, Any]) -> Usage | None:
    """The usage that a provider's answer or chunk reports; None when it reports none that makes sense."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = (
        usage.get("prompt_tokens"),
        _detail(usage, "prompt_tokens_details", "cached_tokens"),
        usage.get("completion_tokens"),
        _detail(usage, "completion_tokens_details", "reasoning_tokens"),
    )
    if not all(count is None or (isinstance(count, int) and count >= 0) for count in counts):
        return None
    given, cached, produced, reasoning = (count or 0 for count in counts)
    return Usage(given, min(cached, given), produced, min(reasoning, produced))


def _detail(usage: dict[str, Any], group: str, name: str) -> Any:  # noqa: ANN401 - whatever the provider sent
    details = usage.get(group)
    return details.get(name) if isinstance(details, dict) else None


def text_of(body: dict[str, Any], name: str) -> str | None:
    """A text field of a provider's answer; None when it is missing or something else."""
    value = body.get(name)
    return value if isinstance(value, str) else None


class StreamMeter:
    """Watches a stream of server-sent events go by.

    Bytes are passed on as they came, up to the last complete event. Only three things are changed: the usage chunk that
    the caller did not ask for is left out, so is the `"usage":null` that comes with it on every other chunk, and
    `[DONE]` is withheld, because the call is settled before the stream ends.

    Attributes:
        usage: What the provider reported, once it has.
        model: The model that the provider says it used.
        service_tier: The service tier that the provider says it used.
        finished: Whether `[DONE]` came.
    """

    def __init__(self, *, usage_wanted: bool) -> None:
        self.usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.finished = False
        self._usage_wanted = usage_wanted
        self._pending = b""
        self._seen: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        """Take what the provider sent and give what goes to the client, possibly nothing yet."""
        self._seen.append(chunk)
        self._pending += chunk.replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
        end = self._pending.rfind(_EVENT_END)
        if end < 0:
            return b""
        events = self._pending[: end + 2]
        self._pending = self._pending[end + 2 :]
        if self.model is None:
            self._read_model(events)
        if not self._usage_wanted:
            events = events.replace(_NULL_USAGE, b"")
        if b'"usage"' in events or _DONE in events:
            return b"".join(event for event in _split(events) if self._passes(event))
        return events

    @property
    def received(self) -> bytes:
        """Everything that the provider sent."""
        return b"".join(self._seen)

    def _passes(self, event: bytes) -> bool:
        data = event.removeprefix(_DATA).strip()
        if data == _DONE:
            self.finished = True
            return False
        body = _json(data)
        usage = read_usage(body)
        if usage is None:
            return True
        self.usage = usage
        self._read_identity(body)
        return self._usage_wanted or bool(body.get("choices"))

    def _read_model(self, events: bytes) -> None:
        for event in _split(events):
            self._read_identity(_json(event.removeprefix(_DATA).strip()))
            if self.model is not None:
                return

    def _read_identity(self, body: dict[str, Any]) -> None:
        self.model = text_of(body, "model") or self.model
        self.service_tier = text_of(body, "service_tier") or self.service_tier


def streamed_text(received: bytes) -> str:
    """The text that a stream produced, all choices together; for counting the tokens of an unfinished one."""
    parts: list[str] = []
    for event in _split(received.replace(b"\r\n", b"\n")):
        for choice in _choices(_json(event.removeprefix(_DATA).strip())):
            parts.extend(_texts(choice.get("delta")))
    return "".join(parts)


def answered_text(body: dict[str, Any]) -> str:
    """The text of a plain answer, all choices together."""
    return "".join(text for choice in _choices(body) for text in _texts(choice.get("message")))


def _choices(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    choices = body.get("choices")
    return (choice for choice in choices if isinstance(choice, dict)) if isinstance(choices, list) else iter(())


def _texts(message: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the provider sent
    if not isinstance(message, dict):
        return
    for name in ("content", "refusal", "reasoning_content"):
        if isinstance(message.get(name), str):
            yield message[name]
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield from (function[name] for name in ("name", "arguments") if isinstance(function.get(name), str))


def _split(events: bytes) -> Iterator[bytes]:
    return (event + _EVENT_END for event in events.split(_EVENT_END) if event)


def _json(data: bytes) -> dict[str, Any]:
    """The object in an event's data; empty for anything else, such as a comment or a broken chunk."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
