"""Reading a call: from the bytes of a request to a validated `Call`.

Only what the gateway itself relies on is checked. Everything else, including fields that do not exist yet, goes to the
provider untouched.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from integration.gateway.errors import InvalidApiKey, InvalidCall
from integration.gateway.models import Call, Endpoint
from integration.gateway.planning import Plan
from llmo_auth import api_key
from llmo_auth.api_key import ApiKey
from llmo_auth.networks import address_bits
from llmo_core.trace import parse_traceparent

# They change who is billed or how the answer is delivered, but not what it says.
_NOT_IN_CACHE_KEY: Final = ("stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key")
# OpenAI estimates the same way for its own limits: https://platform.openai.com/docs/guides/rate-limits
_CHARACTERS_PER_TOKEN: Final = 4
# The most that one image costs on any OpenAI model with documented image pricing: 2,833 + 8 tiles of 5,667 tokens.
_IMAGE_TOKENS_BOUND: Final = 48_169
# What a rate limit is charged in advance for an image, audio or file, and for an answer without a limit of its own.
_MEDIA_TOKENS_ESTIMATE: Final = 1_000
_OUTPUT_TOKENS_ESTIMATE: Final = 1_000
_TEXT_PARTS: Final = ("text", "refusal")

# Names go into usage events, which must stay small.
_MAX_NAME_LENGTH: Final = 256

type Body = dict[str, Any]


def read_key(headers: Mapping[str, str]) -> ApiKey:
    """The API key in an Authorization header; raises InvalidApiKey when there is none that could be valid."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise InvalidApiKey("You didn't provide an API key. Send it as `Authorization: Bearer YOUR_KEY`.")
    key = api_key.parse(text.strip())
    if key is None:
        raise InvalidApiKey
    return key


def read_address(headers: Mapping[str, str]) -> str:
    """Where a request comes from, as `llmo_auth.networks` writes it.

    API Gateway appends the address that it was called from; what stands before it is the client's own say.
    """
    return address_bits(headers.get("x-forwarded-for", "").rpartition(",")[2].strip())


def read_call(endpoint: Endpoint, raw: bytes, headers: Mapping[str, str], plan: Callable[[str], Plan]) -> Call:
    """The call in a request's body and headers.

    Raises InvalidCall naming the field at fault, and what `plan` raises for the model's name.
    """
    try:
        return _call(endpoint, raw, headers, plan)
    except orjson.JSONEncodeError as error:
        raise InvalidCall("The JSON body of your request is nested too deeply.", code="invalid_json") from error


def _call(endpoint: Endpoint, raw: bytes, headers: Mapping[str, str], plan: Callable[[str], Plan]) -> Call:
    body = _parse(raw)
    chat = endpoint is Endpoint.CHAT_COMPLETIONS
    model = _model(body)
    if chat:
        _check_messages(body)
    else:
        _check_input(body)
    planned = plan(model)
    stream = chat and _flag(body, "stream")
    usage_wanted = stream and _usage_wanted(body)
    text_bytes, media = _media(body, len(raw)) if chat else (len(raw), [])
    cache = headers.get("x-llmo-cache", "")
    if cache not in {"", "no-cache", "no-store"}:
        raise InvalidCall("The header x-llmo-cache takes no-cache or no-store.", param="x-llmo-cache")
    output_bound, output_estimate = _output(body, planned) if chat else (0, 0)
    input_estimate = text_bytes // _CHARACTERS_PER_TOKEN + _MEDIA_TOKENS_ESTIMATE * len(media)
    sent = body if not stream or usage_wanted else _with_usage(body)
    return Call(
        endpoint=endpoint,
        model=model,
        stream=stream,
        usage_wanted=usage_wanted,
        body=raw if sent is body else orjson.dumps(sent),
        cache_digest="" if cache == "no-store" else _digest(endpoint, body, planned.salt),
        cache_read=not cache,
        address=read_address(headers),
        input_tokens_estimate=input_estimate,
        tokens_estimate=input_estimate + output_estimate,
        # Byte-pair encodings never have more tokens than bytes, and a request's JSON has more bytes than its texts.
        input_tokens_bound=text_bytes + sum(_media_bound(part, planned) for part in media),
        output_tokens_bound=output_bound,
        service_tier=_text(body, "service_tier") or "auto",
        end_user=(_text(body, "user") or "")[:_MAX_NAME_LENGTH] or None,
        traceparent=parse_traceparent(headers.get("traceparent", "")),
        tools=bool(body.get("tools") or body.get("functions")),
        vision="image_url" in media,
        region=_region(headers),
        parsed=sent,
        text=raw,
    )


def _parse(raw: bytes) -> Body:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidCall(f"We could not parse the JSON body of your request: {error}.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise InvalidCall("The body of your request must be a JSON object.", code="invalid_json")
    return body


def _model(body: Body) -> str:
    model = body.get("model")
    if model is None:
        raise _missing("model")
    if not isinstance(model, str) or not 0 < len(model) <= _MAX_NAME_LENGTH:
        raise InvalidCall("'model' must be the name of a model.", param="model")
    return model


def _check_messages(body: Body) -> None:
    messages = body.get("messages")
    if messages is None:
        raise _missing("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise InvalidCall("'messages' must be a non-empty array of message objects.", param="messages")


def _check_input(body: Body) -> None:
    value = body.get("input")
    if value is None:
        raise _missing("input")
    if not isinstance(value, str | list) or not value:
        raise InvalidCall("'input' must be a non-empty string or array.", param="input")


def _flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidCall(f"'{name}' must be true or false.", param=name)


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidCall(f"'{name}' must be a string.", param=name)


def _count(body: Body, name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidCall(f"'{name}' must be an integer of at least 1.", param=name)
    return value


def _usage_wanted(body: Body) -> bool:
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise InvalidCall("'stream_options' must be an object.", param="stream_options")
    return bool(options and options.get("include_usage"))


def _with_usage(body: Body) -> Body:
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def _output(body: Body, plan: Plan) -> tuple[int, int]:
    """The most tokens that the answer can have, and how many are likely."""
    limits = [limit for name in ("max_completion_tokens", "max_tokens") if (limit := _count(body, name))]
    bound = min(max(limits), plan.max_output_tokens) if limits else plan.max_output_tokens
    choices = _count(body, "n") or 1
    return bound * choices, (bound if limits else min(bound, _OUTPUT_TOKENS_ESTIMATE)) * choices


def _media(body: Body, size: int) -> tuple[int, list[str]]:
    """How many of the body's bytes are text, and the types of the parts that are not: images, audio, files."""
    media: list[str] = []
    for message in body["messages"]:
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else ():
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in _TEXT_PARTS:
                media.append(str(kind))
                size -= _data_url_bytes(part)
    return size, media


def _data_url_bytes(part: Any) -> int:  # noqa: ANN401 - a part is whatever the client sent
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    return len(url) if isinstance(url, str) and url.startswith("data:") else 0


def _media_bound(kind: str, plan: Plan) -> int:
    """The most tokens that a part can have: no part has more than the model can read."""
    return _IMAGE_TOKENS_BOUND if kind == "image_url" else plan.context_window


def _region(headers: Mapping[str, str]) -> str | None:
    region = headers.get("x-llmo-region", "")
    if len(region) > _MAX_NAME_LENGTH:
        raise InvalidCall("The header x-llmo-region is too long.", param="x-llmo-region")
    return region or None


def _digest(endpoint: Endpoint, body: Body, salt: str) -> str:
    kept = {name: value for name, value in body.items() if name not in _NOT_IN_CACHE_KEY}
    canonical = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical + salt.encode(), digest_size=24, person=endpoint[:16].encode()).hexdigest()


def _missing(name: str) -> InvalidCall:
    return InvalidCall(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
