"""Responses: https://platform.openai.com/docs/api-reference/responses."""

from collections.abc import Callable, Iterator
from typing import Any, Final, override

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.event_meter import EventMeter
from integration.gateway.endpoints.form import (
    CHARACTERS_PER_TOKEN,
    MEDIA_TOKENS_ESTIMATE,
    OUTPUT_TOKENS_ESTIMATE,
    Form,
    Reading,
)
from integration.gateway.endpoints.items import REPEATED, event_slots, item_slots
from integration.gateway.endpoints.media import IMAGE_TOKENS_BOUND, data_url_bytes
from integration.gateway.endpoints.places import Slot, members, paths, texts_at
from integration.gateway.endpoints.request import Request
from integration.gateway.errors import InvalidCall
from integration.gateway.metering import NO_USAGE, Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import RESPONSES, Json, read_usage

_LAST_EVENTS: Final = {"response.completed": False, "response.incomplete": False, "response.failed": True}
# What stands for something that the provider keeps, and that the model reads as well.
_KEPT_ELSEWHERE: Final = ("previous_response_id", "conversation", "prompt")
# The caller runs these; any other tool is run by the provider, and what it finds is input of the model.
_CALLERS_TOOLS: Final = frozenset(
    ("function", "custom", "local_shell", "apply_patch", "computer", "computer_use", "computer_use_preview")
)
_PARTS: Final = ("content", "output", "summary")  # where an item has others in it
_WORDS: Final = ("name", "arguments", "input", "text", "refusal")  # where it has texts
_ASKED: Final = paths("instructions", "input", "prompt.variables.*")
_VARIABLES: Final = paths("prompt.variables.*")
_IMAGES: Final = frozenset(("input_image", "computer_screenshot"))
_TEXTS: Final = frozenset(
    (
        "input_text",
        "output_text",
        "text",
        "refusal",
        "summary_text",
        "reasoning_text",
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "computer_call",
        "computer_call_output",
    )
)


class Responses(Form):
    """`POST /v1/responses`."""

    endpoint = Endpoint.RESPONSES
    asks_in_text = True
    answers_in_text = True
    repeated = REPEATED
    provider_prompts = True

    @property
    @override
    def prompted(self) -> Callable[[Json, list[Json]], Json]:
        """Puts the messages of a prompt before the input of a call."""
        return _prompted

    def check(self, fields: Json) -> None:
        """Raise InvalidCall when nothing is asked, or what cannot be metered."""
        if body.flag(fields, "background"):
            message = (
                "Responses in the background cannot be metered yet: their usage is known after the call has ended. "
                "Leave 'background' out, or stream the response."
            )
            raise body.not_metered(message, param="background")
        given = fields.get("input")
        if given is None and not any(fields.get(name) for name in _KEPT_ELSEWHERE):
            raise body.missing("input")
        if not isinstance(given, str | list | None):
            raise InvalidCall("'input' must be a string or an array.", param="input")
        if any(tool.get("type") == "image_generation" for tool in body.objects(fields, "tools")):
            message = (
                "The tool 'image_generation' cannot be metered yet: its images are not in the usage of a response. "
                "Use /v1/images/generations."
            )
            raise body.not_metered(message, param="tools")

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """Instructions and input with all its items, and what fills the variables of a prompt."""
        variables = [slot.holder[slot.name] for slot in members(fields, _VARIABLES)]
        return [*texts_at(fields, _ASKED), *item_slots([fields.get("input"), *variables])]

    @override
    def answered_texts(self, answer: Json) -> list[Slot]:
        """Those of all items."""
        return [*item_slots(answer.get("output"))]

    @override
    def streamed_texts(self, event: Json) -> Iterator[Slot]:
        """The pieces in an event, and the wholes that later events repeat."""
        return event_slots(event)

    def read(self, request: Request, plan: Plan) -> Reading:
        """What the call asks for.

        The body bounds the input unless the model reads more than that: what the provider keeps, or what a tool that it
        runs finds. Then the input is as large as the model can read. Tools may make it read that several times over;
        such a call is charged what it used, which may be more than what was held.
        """
        fields = request.fields
        tools = body.objects(fields, "tools")
        kept = any(fields.get(name) for name in _KEPT_ELSEWHERE)
        reaching_out = any(tool.get("type") not in _CALLERS_TOOLS for tool in tools)
        size, images, others = _weigh(fields.get("input"), len(request.raw))
        bound = size + IMAGE_TOKENS_BOUND * images + plan.context_window * others
        limit = body.count(fields, "max_output_tokens")
        output = min(limit or plan.max_output_tokens, plan.max_output_tokens)
        return Reading(
            sent=request,
            likely=Size(
                size // CHARACTERS_PER_TOKEN + MEDIA_TOKENS_ESTIMATE * (images + others),
                output if limit else min(output, OUTPUT_TOKENS_ESTIMATE),
            ),
            most=Size(max(bound, plan.context_window) if kept or reaching_out else bound, output),
            stream=body.flag(fields, "stream"),
            tools=bool(tools),
            vision=images > 0,
            cacheable=not kept and not reaching_out,
        )

    def meter(self, _call: Call, _unit: Unit, _media_type: str) -> EventMeter:
        """What watches a stream of events; the last one carries the response with its usage."""
        return EventMeter(_LAST_EVENTS, report=_reported, within="response")

    def usage(self, answer: Json, _call: Call, _unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return _reported(answer)

    def produced(self, answer: Json) -> str:
        """The text of a whole answer, all of its items together."""
        return "".join(_texts(answer.get("output")))


def _prompted(fields: Json, messages: list[Json]) -> Json:
    own = fields.get("input")
    items = [_item(message) for message in messages]
    if own is None:
        return {**fields, "input": items}
    if isinstance(own, str):
        return {**fields, "input": [*items, {"role": "user", "content": own}]}
    return {**fields, "input": [*items, *own]} if isinstance(own, list) else fields


def _item(message: Json) -> Json:
    """A message of a chat completion as an item of an input."""
    content = message["content"]
    if isinstance(content, str):
        return message
    kind = "output_text" if message["role"] == "assistant" else "input_text"
    return {**message, "content": [{"type": kind, "text": part["text"]} for part in content]}


def _reported(response: Json) -> Usage | None:
    """The usage of a response; one that failed may have none."""
    if response.get("status") == "failed" and response.get("usage") is None:
        return NO_USAGE
    return read_usage(response.get("usage"), RESPONSES)


def _weigh(value: Any, size: int) -> tuple[int, int, int]:  # noqa: ANN401 - items are whatever the client sent
    """Of a body of this many bytes with these items: its bytes of text, and how many images and others it has."""
    images = others = 0
    for item in _typed(value):
        if item["type"] in _IMAGES:
            images += 1
            size -= data_url_bytes(item)
        elif item["type"] not in _TEXTS:
            others += 1
    return size, images, others


def _typed(value: Any) -> Iterator[Json]:  # noqa: ANN401 - likewise
    """The items and the parts of items that say what they are."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            if isinstance(item.get("type"), str):
                yield item
            waiting.extend(item.get(name) for name in _PARTS)


def _texts(items: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the provider sent
    """The texts of a response's output: of messages, of calls to tools, and of what it says about its reasoning."""
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        yield from (
            item[name] for name in ("name", "arguments", "input", "text", "refusal") if isinstance(item.get(name), str)
        )
        for name in ("content", "summary"):
            yield from _texts(item.get(name))
