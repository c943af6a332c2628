"""The texts in calls and answers: where they stand, and others in their place.

Only texts of models and for models: no names, no URLs, no contents of files.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from integration.gateway.errors import InvalidCall
from integration.gateway.server_sent_events import EVENT_END, data_of, object_of, split
from integration.gateway.usage import Json

_MESSAGE: Final = ("content", "refusal", "reasoning_content", "reasoning")
# They repeat the texts, piece by piece.
_REPETITIONS: Final = ("logprobs", "words")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a text stands.

    Attributes:
        part_of: Names the text that this is a piece of, where a stream brings it piece by piece; None for a whole.
    """

    holder: Any
    name: str | int
    part_of: tuple[object, ...] | None = None

    @property
    def text(self) -> str:
        """The text."""
        text: str = self.holder[self.name]
        return text

    def put(self, text: str) -> None:
        """Put another text in its place."""
        self.holder[self.name] = text


def slots(holder: Any, *names: str) -> Iterator[Slot]:  # noqa: ANN401 - whatever the client or the provider sent
    """The members of an object that are texts, or lists in which texts are."""
    if not isinstance(holder, dict):
        return
    for name in names:
        value = holder.get(name)
        if isinstance(value, str):
            yield Slot(holder, name)
        elif isinstance(value, list):
            yield from (Slot(value, place) for place, entry in enumerate(value) if isinstance(entry, str))


def objects_in(holder: Any, name: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - likewise
    """The objects in a member that is a list, or the one that it is."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def message_slots(message: Any) -> Iterator[Slot]:  # noqa: ANN401 - likewise
    """The texts in a message of a chat: its own, those in its parts, and what it hands to tools."""
    yield from slots(message, *_MESSAGE)
    for part in objects_in(message, "content"):
        yield from slots(part, "text", "refusal")
    for call in objects_in(message, "tool_calls"):
        yield from slots(call.get("function"), "arguments")
        yield from slots(call.get("custom"), "input")
    if isinstance(message, dict):
        yield from slots(message.get("function_call"), "arguments")
        yield from slots(message.get("audio"), "transcript")


def texts_or_refusal(fields: Json, name: str) -> list[Slot]:
    """The texts in a field that may be tokens as well. Raises InvalidCall for tokens: nobody can look at them."""
    given = fields.get(name)
    if isinstance(given, list) and not all(isinstance(entry, str) for entry in given):
        message = f"Your organization has guardrails that look at texts: send '{name}' as text, not as tokens."
        raise InvalidCall(message, param=name, code="unsupported_value")
    return [*slots(fields, name)]


def replaced(body: Json, found: Sequence[Slot], texts: Iterable[str]) -> bytes:
    """A body with other texts in these places of it; what repeats them is left out."""
    for slot, text in zip(found, texts, strict=True):
        slot.put(text)
    _forget(body)
    return orjson.dumps(body)


class StreamedTexts:
    """The texts of a stream of events that has come to its end.

    Attributes:
        texts: Each of them as a whole.

    Args:
        received: The stream.
        find: The places of texts and pieces of texts in an event.
    """

    def __init__(self, received: bytes, find: Callable[[Json], Iterable[Slot]]) -> None:
        self._events = [*split(received.replace(b"\r\n", b"\n"))]
        self._bodies = [object_of(data_of(event)) for event in self._events]
        self._pieces: dict[tuple[object, ...], list[Slot]] = {}
        for number, body in enumerate(self._bodies):
            for place, slot in enumerate(find(body)):
                self._pieces.setdefault(slot.part_of or (number, place), []).append(slot)
        self.texts = ["".join(slot.text for slot in pieces) for pieces in self._pieces.values()]

    def replaced(self, texts: Iterable[str]) -> bytes:
        """The stream with other texts: one that came in pieces comes as a whole with the first of them."""
        for pieces, text in zip(self._pieces.values(), texts, strict=True):
            for place, slot in enumerate(pieces):
                slot.put("" if place else text)
        return b"".join(map(_encoded, self._events, self._bodies))


def _encoded(event: bytes, body: Json) -> bytes:
    """An event with another body; one without a body stays what it is."""
    if not body:
        return event
    _forget(body)
    fields = [line for line in event.strip().split(b"\n") if not line.startswith(b"data:")]
    return b"\n".join((*fields, b"data: " + orjson.dumps(body))) + EVENT_END


def _forget(body: Json) -> None:
    waiting: list[Any] = [body]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for name in _REPETITIONS:
                if name in item:
                    item[name] = [] if isinstance(item[name], list) else None
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
