"""Reading a provider's answer: whether it is one, what it says about itself, and the usage that it reports."""

from dataclasses import dataclass
from typing import Any, Final, TypeIs

import orjson

from integration.gateway.errors import UpstreamBroken
from integration.gateway.metering import Usage

_MAX_TOKENS: Final = 100_000_000  # no call comes near; a larger number is nonsense and could overflow counters
_MAX_NAME_LENGTH: Final = 256
_CONTENTS: Final = ("choices", "data", "output", "results", "text")

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """What an endpoint calls the numbers of its usage object."""

    given: str
    produced: str
    given_details: str
    produced_details: str


CHAT: Final = Names("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
RESPONSES: Final = Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")
TRANSCRIPTIONS: Final = Names("input_tokens", "output_tokens", "input_token_details", "output_token_details")


def read_answer(raw: bytes) -> Json:
    """A provider's plain answer; raises UpstreamBroken when it is none, or an error in spite of its status."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UpstreamBroken("The model provider's answer is not JSON.") from error
    if not isinstance(body, dict):
        raise UpstreamBroken("The model provider's answer is not a JSON object.")
    if body.get("error") and not any(name in body for name in _CONTENTS):
        raise UpstreamBroken(f"The model provider answered with an error: {body['error']!r:.500}")
    return body


def read_usage(usage: object, names: Names = CHAT, *, produces: bool = True) -> Usage | None:
    """The usage in a usage object; None when it says nothing that makes sense.

    Args:
        usage: What stands in the place of the usage object.
        names: What the endpoint calls its numbers.
        produces: Whether the endpoint produces tokens, so that their number must be there.
    """
    if not isinstance(usage, dict):
        return None
    given, produced = usage.get(names.given), usage.get(names.produced)
    if produced is None and not produces:
        produced = 0
    if not plausible(given) or not plausible(produced):
        return None
    given_details, produced_details = usage.get(names.given_details), usage.get(names.produced_details)
    cached = min(_detail(given_details, "cached_tokens"), given)
    written = min(_detail(given_details, "cache_write_tokens"), given - cached)
    heard = min(_detail(given_details, "audio_tokens"), given - cached - written)
    spoken = min(_detail(produced_details, "audio_tokens"), produced)
    return Usage(
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=produced,
        reasoning_tokens=min(_detail(produced_details, "reasoning_tokens"), produced),
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        cache_write_tokens=written,
        image_input_tokens=min(_detail(given_details, "image_tokens"), given - cached - written - heard),
        image_output_tokens=min(_detail(produced_details, "image_tokens"), produced - spoken),
    )


def plausible(count: object) -> TypeIs[int]:
    """Whether this is a number of tokens that a call can have."""
    return isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MAX_TOKENS


def _detail(details: object, name: str) -> int:
    count = details.get(name) if isinstance(details, dict) else None
    return count if plausible(count) else 0


def text_of(body: Json, name: str) -> str | None:
    """A short text field of a provider's answer; None when it is missing or something else."""
    value = body.get(name)
    return value[:_MAX_NAME_LENGTH] if isinstance(value, str) else None
