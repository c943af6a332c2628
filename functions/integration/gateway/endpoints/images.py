"""Images: https://platform.openai.com/docs/api-reference/images/create."""

import re
from dataclasses import dataclass
from typing import Final, override

from integration.gateway.call import Call, Endpoint
from integration.gateway.endpoints import request as body
from integration.gateway.endpoints.event_meter import EventMeter
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, Form, Reading, Tokens
from integration.gateway.endpoints.places import Slot, paths, texts_at
from integration.gateway.endpoints.request import Request, read_json
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.planning import Plan
from integration.gateway.usage import RESPONSES, Json, read_usage

_LAST_EVENTS: Final = {"image_generation.completed": False}
# OpenAI's calculator (https://platform.openai.com/docs/guides/image-generation, "Calculating costs") lays a grid over
# the image, so many cells along the longer edge and fewer along the shorter one: an image has
# cells * (2,000,000 + pixels) / 4,000,000 tokens, and a square has the most. The grids are those of gpt-image-2,
# but that of `low` is as fine as gpt-image-1 needs (272 tokens for 1024x1024); what is not known takes a grid twice as
# fine as that of `high`.
_CELLS: Final = {"low": 24**2, "medium": 48**2, "high": 96**2}
_PIXELS_AND: Final = 2_000_000
_PIXELS_PER_CELL: Final = 4_000_000
_MOST_PIXELS: Final = 3_840 * 2_160
_SIZE: Final = re.compile(r"(\d{1,5})x(\d{1,5})")
_PARTIAL_TOKENS: Final = 100  # for each partial image of a stream, says the guide
_MOST_PARTIAL_IMAGES: Final = 16  # OpenAI takes up to 3
_MOST_FRAMES: Final = 256
_FRAMES: Final = 9  # of an animation when the caller does not say


@dataclass(frozen=True, slots=True)
class _Unsaid:
    """What an image has when the caller leaves its quality and size to the provider."""

    cells: int
    pixels: int


# Larger images than these are experimental, says the API's reference: no provider chooses them by itself.
_LARGEST: Final = _Unsaid(cells=(2 * 96) ** 2, pixels=2_560 * 1_440)
_USUAL: Final = _Unsaid(cells=_CELLS["high"], pixels=1_536 * 1_024)


class ImageGenerations(Form):
    """`POST /v1/images/generations`. An answer is not kept: who asks for an image again wants another one."""

    endpoint = Endpoint.IMAGES_GENERATIONS
    asks_in_text = True
    units = frozenset((Unit.IMAGES, Unit.TOKENS))

    def check(self, fields: Json) -> None:
        """Raise InvalidCall unless there is a prompt, or when another model's work cannot be metered."""
        body.required_text(fields, "prompt")
        if fields.get("svg") is not None or fields.get("output_format") == "svg":
            message = "SVG images cannot be metered yet: another model writes them, at its own price."
            raise body.not_metered(message, param="output_format")

    @override
    def sent_texts(self, fields: Json) -> list[Slot]:
        """The prompt."""
        return [*texts_at(fields, paths("prompt"))]

    def read(self, request: Request, _plan: Plan) -> Reading:
        """What the call asks for; the image is bounded by its size and quality."""
        fields = request.fields
        images = body.answers(fields)
        frames = (
            (body.count(fields, "frame_count", most=_MOST_FRAMES) or _FRAMES)
            if fields.get("output_format") == "gif"
            else 1
        )
        partial = _PARTIAL_TOKENS * (body.count(fields, "partial_images", least=0, most=_MOST_PARTIAL_IMAGES) or 0)
        size = len(request.raw)
        return Reading(
            sent=request,
            likely=Size(size // CHARACTERS_PER_TOKEN, images * (frames * _image_tokens(fields, _USUAL) + partial)),
            most=Size(size, images * (frames * _image_tokens(fields, _LARGEST) + partial)),
            stream=body.flag(fields, "stream"),
            cacheable=False,
        )

    def meter(self, call: Call, _unit: Unit, _media_type: str) -> EventMeter:
        """What watches a stream of events; the last one of each image carries its usage."""
        images = body.answers(read_json(call.text).fields)
        return EventMeter(_LAST_EVENTS, report=_reported, answers=images)

    def usage(self, answer: Json, _call: Call, _unit: Unit) -> Usage | None:
        """The usage in a whole answer."""
        return _reported(answer)

    async def estimate(self, call: Call, model: str, _unit: Unit, _produced: str, tokens: Tokens) -> Usage:
        """The usage of a call whose provider did not report it: all that it asked for, whatever of it came."""
        drawn = call.likely.output_tokens
        given = await tokens.count_input(model, call.text)
        return Usage(given, 0, drawn, image_output_tokens=drawn, estimated=True)


def _reported(answer: Json) -> Usage | None:
    """The usage of an answer or a last event. Output without details is the image."""
    reported = answer.get("usage")
    if isinstance(reported, dict) and reported.get("output_tokens_details") is None:
        reported = {**reported, "output_tokens_details": {"image_tokens": reported.get("output_tokens")}}
    return read_usage(reported, RESPONSES)


def _image_tokens(fields: Json, unsaid: _Unsaid) -> int:
    """The most tokens that one image of this size and quality has."""
    cells = _CELLS.get(body.text(fields, "quality") or "", unsaid.cells)
    return -(-cells * (_PIXELS_AND + _pixels(body.text(fields, "size") or "auto", unsaid)) // _PIXELS_PER_CELL)


def _pixels(size: str, unsaid: _Unsaid) -> int:
    if size == "auto":
        return unsaid.pixels
    dimensions = _SIZE.fullmatch(size)
    if dimensions is None:
        return _MOST_PIXELS
    return int(dimensions[1]) * int(dimensions[2])
