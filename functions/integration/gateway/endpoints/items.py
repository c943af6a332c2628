"""Texts in the items of responses, and in the events of their streams.

https://platform.openai.com/docs/api-reference/responses/object, https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator
from typing import Any, Final

from integration.gateway.endpoints.places import Slot, members, paths, texts_at
from integration.gateway.usage import Json

# Where an item, a part of one, or an event with one's texts says something, of whatever type it is: other providers
# have types of their own.
_SAID: Final = (
    "content",
    "output",
    "arguments",  # of functions and MCP
    "arguments.*",  # of `tool_search_call`
    "input",
    "text",
    "refusal",
    "transcript",
    "error",  # of MCP
    "error.message",
    "error.content",
    "error.content.text",
    "reason",  # of `mcp_approval_response`
    "code",  # of `code_interpreter_call` and `program`
    "outputs.logs",
    "operation.diff",  # of `apply_patch_call`
    "action.command",  # of `local_shell_call`
    "action.env.*",
    "action.commands",  # of `shell_call`
    "output.stdout",  # of `shell_call_output`
    "output.stderr",
    "action.query",  # of `web_search_call`
    "action.queries",
    "action.pattern",
    "action.text",  # of `computer_call`
    "actions.text",
    "queries",  # of `file_search_call`
    "results.text",
    "results.attributes.*",
)
_SAYING: Final = paths(*_SAID)
# What is a text in these and something else in others: the `result` of an `image_generation_call` is an image.
_SAYING_IN: Final = {
    "program_output": paths(*_SAID, "result"),
    "response.shell_call_command.done": paths(*_SAID, "command"),
}
_PARTS: Final = paths("content", "output", "summary")  # where an item has others in it
# Where an event has a piece of a text.
_PIECES: Final = paths("delta", "delta.text", "delta.stdout", "delta.stderr")
_PIECES_IN: Final = {
    "response.shell_call_command.added": paths("command"),  # what deltas are appended to
    "response.audio.delta": paths(),  # sound
    "response.output_audio.delta": paths(),
}
_WHOSE: Final = ("item_id", "output_index", "content_index", "summary_index", "command_index")

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
            yield from texts_at(item, _SAYING_IN.get(str(item.get("type")), _SAYING))
            waiting.extend(reversed([slot.holder[slot.name] for slot in members(item, _PARTS)]))


def event_slots(event: Json) -> Iterator[Slot]:
    """The pieces in an event, and the wholes that later events repeat."""
    kind = str(event.get("type"))
    whose = [kind.rpartition(".")[0], *(event.get(name) for name in _WHOSE)]
    for slot in texts_at(event, _PIECES_IN.get(kind, _PIECES)):
        yield slot.of(*whose, *slot.where[1:])
    yield from item_slots([event, event.get("part"), event.get("item")])
    response = event.get("response")
    if isinstance(response, dict):
        yield from item_slots(response.get("output"))
