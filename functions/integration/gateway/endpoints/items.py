"""Texts in the items of responses, and in the events of their streams.

https://platform.openai.com/docs/api-reference/responses/object, https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator
from typing import Any, Final

from integration.gateway.endpoints.places import Slot, members, paths, texts_at
from integration.gateway.usage import Json

# Where an item, a part of one or an event says something.
_SAYING: Final = paths("content", "output", "arguments", "input", "text", "refusal", "code", "transcript")
_PARTS: Final = paths("summary", "output", "content")  # where an item has others in it, the last one first
_PIECES: Final = paths("delta")
_SOUND: Final = frozenset(("response.audio.delta", "response.output_audio.delta"))
_WHOSE: Final = ("type", "item_id", "output_index", "content_index", "summary_index")

REPEATED: Final = paths(
    "output.content.logprobs",  # of an answer
    "logprobs",  # of `response.output_text.delta` and `.done`
    "part.logprobs",
    "item.content.logprobs",
    "response.output.content.logprobs",
)
"""Where answers and events repeat their texts."""


def item_slots(value: Any) -> Iterator[Slot]:  # noqa: ANN401 - items are whatever was sent
    """Where texts stand in items and their parts."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            yield from texts_at(item, _SAYING)
            waiting.extend(slot.holder[slot.name] for path in _PARTS for slot in members(item, path))


def event_slots(event: Json) -> Iterator[Slot]:
    """The pieces in an event, and the wholes that later events repeat."""
    if event.get("type") not in _SOUND:
        whose = [event.get(name) for name in _WHOSE]
        yield from (slot.of(*whose) for slot in texts_at(event, _PIECES))
    yield from item_slots([event, event.get("part"), event.get("item")])
    response = event.get("response")
    if isinstance(response, dict):
        yield from item_slots(response.get("output"))
