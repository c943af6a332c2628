"""Finding the usage in a provider's answer, plain or streamed, without touching the bytes that pass."""

from collections.abc import Iterator
from typing import Any, Final, TypeIs

import orjson

from integration.gateway.errors import UpstreamBroken
from integration.gateway.models import Usage

_EVENT_END: Final = b"\n\n"
_DONE: Final = b"[DONE]"
_NULL_USAGE: Final = b',"usage":null'
_DATA: Final = b"data:"
_MAX_TOKENS: Final = 100_000_000  # no call comes near; a larger number is nonsense and could overflow counters
_MAX_NAME_LENGTH: Final = 256


def read_answer(raw: bytes) -> dict[str, Any]:
    """A provider's plain answer; raises UpstreamBroken when it is none, or an error in spite of its status."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UpstreamBroken("The model provider's answer is not JSON.") from error
    if not isinstance(body, dict):
        raise UpstreamBroken("The model provider's answer is not a JSON object.")
    if body.get("error") and "choices" not in body and "data" not in body:
        raise UpstreamBroken(f"The model provider answered with an error: {body['error']!r:.500}")
    return body


def read_usage(body: dict[str, Any], *, produces: bool = True) -> Usage | None:
    """The usage that a provider's answer or chunk reports; None when it reports none that makes sense.

    Args:
        body: The answer or chunk.
        produces: Whether the endpoint produces tokens, so that their number must be there.
    """
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    given, produced = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if produced is None and not produces:
        produced = 0
    if not _plausible(given) or not _plausible(produced):
        return None
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    heard = _detail(usage, "prompt_tokens_details", "audio_tokens")
    spoken = _detail(usage, "completion_tokens_details", "audio_tokens")
    return Usage(
        input_tokens=given,
        cached_input_tokens=(cached := min(cached, given)),
        output_tokens=produced,
        reasoning_tokens=min(reasoning, produced),
        audio_input_tokens=min(heard, given - cached),
        audio_output_tokens=min(spoken, produced),
    )


def _plausible(count: object) -> TypeIs[int]:
    return isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MAX_TOKENS


def _detail(usage: dict[str, Any], group: str, name: str) -> int:
    details = usage.get(group)
    count = details.get(name) if isinstance(details, dict) else None
    return count if _plausible(count) else 0


def text_of(body: dict[str, Any], name: str) -> str | None:
    """A short text field of a provider's answer; None when it is missing or something else."""
    value = body.get(name)
    return value[:_MAX_NAME_LENGTH] if isinstance(value, str) else None


class StreamMeter:
    """Watches a stream of server-sent events go by.

    Bytes are passed on as they came, up to the last complete event. Only three things are changed: the usage chunk that
    the caller did not ask for is left out, so is the `"usage":null` that comes with it on every other chunk, and
    `[DONE]` is withheld, because the call is settled before the stream ends. Line ends become single newlines.

    Attributes:
        usage: What the provider reported, once it has.
        model: The model that the provider says it used.
        service_tier: The service tier that the provider says it used.
        finished: Whether `[DONE]` came.
        failed: Whether an event announced an error.
    """

    def __init__(self, *, usage_wanted: bool) -> None:
        self.usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.finished = False
        self.failed = False
        self._usage_wanted = usage_wanted
        self._pending = b""
        self._seen: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        """Take what the provider sent and give what goes to the client, possibly nothing yet."""
        self._seen.append(chunk)
        pending = self._pending + chunk
        if b"\r" in pending:
            whole = pending.removesuffix(b"\r")  # its newline may come with the next chunk
            pending = whole.replace(b"\r\n", b"\n") + pending[len(whole) :]
        end = pending.rfind(_EVENT_END) + len(_EVENT_END)
        if end < len(_EVENT_END):
            self._pending = pending
            return b""
        self._pending = pending[end:]
        return self._passed(pending[:end])

    def rest(self) -> bytes:
        """What is left when the provider has ended its stream without an empty line."""
        pending, self._pending = self._pending.strip(), b""
        return self._passed(pending + _EVENT_END) if pending else b""

    @property
    def received(self) -> bytes:
        """Everything that the provider sent."""
        return b"".join(self._seen)

    def _passed(self, events: bytes) -> bytes:
        if self.model is None:
            self._read_model(events)
        if not self._usage_wanted:
            events = events.replace(_NULL_USAGE, b"")
        if b'"usage"' in events or b'"error"' in events or _DONE in events:
            return b"".join(event for event in _split(events) if self._passes(event))
        return events

    def _passes(self, event: bytes) -> bool:
        data = _data(event)
        if data == _DONE:
            self.finished = True
            return False
        body = _json(data)
        self.failed = self.failed or bool(body.get("error"))
        usage = read_usage(body)
        if usage is None:
            return True
        self.usage = usage
        self._read_identity(body)
        return self._usage_wanted or bool(body.get("choices"))

    def _read_model(self, events: bytes) -> None:
        for event in _split(events):
            self._read_identity(_json(_data(event)))
            if self.model is not None:
                return

    def _read_identity(self, body: dict[str, Any]) -> None:
        self.model = text_of(body, "model") or self.model
        self.service_tier = text_of(body, "service_tier") or self.service_tier


def streamed_text(received: bytes) -> str:
    """The text that a stream produced, all choices together; for counting the tokens of an unfinished one."""
    parts: list[str] = []
    for event in _split(received.replace(b"\r\n", b"\n")):
        for choice in _choices(_json(_data(event))):
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


def _data(event: bytes) -> bytes:
    """The data of an event, without its other fields and comments."""
    lines = event.strip().split(b"\n")
    return b"\n".join(line.removeprefix(_DATA).strip() for line in lines if line.startswith(_DATA))


def _json(data: bytes) -> dict[str, Any]:
    """The object in an event's data; empty for anything else, such as a comment or a broken chunk."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
