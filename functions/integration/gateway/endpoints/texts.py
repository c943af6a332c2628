"""Other texts in place of those in calls and answers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import orjson

from integration.gateway.endpoints.places import Paths, Slot, members, paths
from integration.gateway.server_sent_events import EVENT_END, data_of, object_of, split
from integration.gateway.usage import Json

_NOWHERE: Final = paths()


def replaced(body: Json, found: Sequence[Slot], texts: Iterable[str], repeated: Paths = _NOWHERE) -> bytes:
    """A body with other texts in these places of it. Where it repeats them it says nothing any more."""
    for slot, text in zip(found, texts, strict=True):
        slot.put(text)
    _forget(body, repeated)
    return orjson.dumps(body)


class StreamedTexts:
    """The texts of a stream of events that has come to its end.

    Attributes:
        texts: Each of them as a whole.

    Args:
        received: The stream.
        find: The places of texts and pieces of texts in an event.
        repeated: Where events repeat their texts.
    """

    def __init__(self, received: bytes, find: Callable[[Json], Iterable[Slot]], repeated: Paths = _NOWHERE) -> None:
        self._repeated = repeated
        self._events = [*split(received.replace(b"\r\n", b"\n"))]
        self._bodies = [object_of(data_of(event)) for event in self._events]
        self._pieces: dict[str, list[Slot]] = {}
        for number, body in enumerate(self._bodies):
            for place, slot in enumerate(find(body)):
                # Written out, because what the provider calls a piece may be no name at all.
                self._pieces.setdefault(repr(slot.part_of or (number, place)), []).append(slot)
        self.texts = ["".join(slot.text for slot in pieces) for pieces in self._pieces.values()]

    def replaced(self, texts: Iterable[str]) -> bytes:
        """The stream with other texts: one that came in pieces comes as a whole with the first of them."""
        for pieces, text in zip(self._pieces.values(), texts, strict=True):
            for place, slot in enumerate(pieces):
                slot.put("" if place else text)
        return b"".join(map(self._encoded, self._events, self._bodies))

    def _encoded(self, event: bytes, body: Json) -> bytes:
        """An event with another body; one without a body stays what it is."""
        if not body:
            return event
        _forget(body, self._repeated)
        fields = [line for line in event.strip().split(b"\n") if not line.startswith(b"data:")]
        return b"\n".join((*fields, b"data: " + orjson.dumps(body))) + EVENT_END


def _forget(body: Json, repeated: Paths) -> None:
    for slot in members(body, repeated):
        slot.holder[slot.name] = [] if isinstance(slot.holder[slot.name], list) else None
