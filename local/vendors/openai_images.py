"""The fake upstream's images and moderations.

https://platform.openai.com/docs/api-reference/images/create, https://platform.openai.com/docs/api-reference/moderations
"""

import hashlib
from collections.abc import Iterator

from aiohttp import web

from local.vendors.openai_answers import CREATED, BadRequest, Json, check_model, count_tokens
from local.vendors.openai_faults import Faults, parse_faults
from local.vendors.openai_serving import answer, events, faulty, read_json, stream

IMAGE_MODELS = ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5")
MODERATION_MODELS = ("omni-moderation-latest", "text-moderation-latest")
# Of these models, for a square and for anything else: https://platform.openai.com/docs/guides/image-generation
_TOKENS = {"low": (272, 408), "medium": (1_056, 1_584), "high": (4_160, 6_240)}
_PARTIAL_TOKENS = 100
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one grey pixel
)
_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


async def images(request: web.Request) -> web.StreamResponse:
    """`POST /v1/images/generations`."""
    body = await read_json(request)
    check_model(body, IMAGE_MODELS)
    if not body.get("prompt"):
        raise BadRequest("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    faults = parse_faults(body["prompt"])
    if body.get("stream"):
        return await stream(request, events(_events(body, faults)), faults)
    number = body.get("n") or 1
    plain = _described(body) | {"created": CREATED, "data": [{"b64_json": _PIXEL}] * number}
    usage = {} if faults.no_usage else {"usage": _usage(body, number)}
    return await faulty(faults, request) or answer(plain | usage)


def _events(body: Json, faults: Faults) -> Iterator[Json]:
    image = _described(body) | {"b64_json": _PIXEL, "created_at": CREATED}
    partial = body.get("partial_images") or 0
    for index in range(partial):
        yield {"type": "image_generation.partial_image", "partial_image_index": index, **image}
    for _ in range(body.get("n") or 1):
        usage = {} if faults.no_usage else {"usage": _usage(body, 1, partial)}
        yield {"type": "image_generation.completed", **image, **usage}


def _described(body: Json) -> Json:
    size = body.get("size") or "auto"
    return {
        "background": "opaque",
        "output_format": body.get("output_format") or "png",
        "quality": _quality(body),
        "size": "1024x1024" if size == "auto" else size,
    }


def _usage(body: Json, number: int, partial: int = 0) -> Json:
    square = _described(body)["size"] == "1024x1024"
    given = count_tokens(body["prompt"])
    drawn = number * (_TOKENS[_quality(body)][0 if square else 1] + partial * _PARTIAL_TOKENS)
    return {
        "input_tokens": given,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": given},
        "output_tokens": drawn,
        "total_tokens": given + drawn,
    }


def _quality(body: Json) -> str:
    return body["quality"] if body.get("quality") in _TOKENS else "high"


async def moderations(request: web.Request) -> web.StreamResponse:
    """`POST /v1/moderations`: what contains `[[flagged]]` is flagged."""
    body = await read_json(request)
    model = body.get("model") or MODERATION_MODELS[0]
    check_model({"model": model}, MODERATION_MODELS)
    if not body.get("input"):
        raise BadRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    together = all(isinstance(part, dict) for part in given)  # texts and images of one thing
    results = [_result(str(item)) for item in ([given] if together else given)]
    digest = hashlib.sha256(str(given).encode()).hexdigest()
    plain = {"id": f"modr-{digest[:29]}", "model": model, "results": results}
    return await faulty(parse_faults(str(given[-1])), request) or answer(plain)


def _result(text: str) -> Json:
    flagged = "[[flagged]]" in text
    return {
        "flagged": flagged,
        "categories": {name: flagged and name == "violence" for name in _CATEGORIES},
        "category_scores": {name: 0.9 if flagged and name == "violence" else 0.001 for name in _CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
