"""Reading a call: from the bytes of a request to a validated `Call`.

Only what the gateway itself relies on is checked. Everything else, including fields that do not exist yet, goes to the
provider untouched.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from integration.gateway.errors import InvalidCall
from integration.gateway.models import Call, Endpoint
from integration.gateway.pricing import ModelPrices

# They change who is billed or how the answer is delivered, but not what it says.
_NOT_IN_CACHE_KEY: Final = ("stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key")
# OpenAI estimates the same way for its own limits: https://platform.openai.com/docs/guides/rate-limits
_CHARACTERS_PER_TOKEN: Final = 4
# The most that one image costs on any OpenAI model with documented image pricing: 2,833 + 8 tiles of 5,667 tokens.
_IMAGE_TOKENS_BOUND: Final = 48_169

# Names go into usage events, which must stay small.
_MAX_NAME_LENGTH: Final = 256
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

type Body = dict[str, Any]


def read_call(
    endpoint: Endpoint, raw: bytes, headers: Mapping[str, str], find_prices: Callable[[str], ModelPrices]
) -> Call:
    """The call in a request's body and headers. Raises InvalidCall naming the field at fault, or ModelNotFound."""
    body = _parse(raw)
    model = _model(body)
    if endpoint is Endpoint.CHAT_COMPLETIONS:
        _check_messages(body)
    else:
        _check_input(body)
    prices = find_prices(model)
    stream = _flag(body, "stream") if endpoint is Endpoint.CHAT_COMPLETIONS else False
    usage_wanted = stream and _usage_wanted(body)
    sent = raw if not stream or usage_wanted else orjson.dumps(_with_usage(body))
    images, image_bytes = _images(body) if b'"image_url"' in raw else (0, 0)
    text_bytes = len(raw) - image_bytes
    image_tokens = images * _IMAGE_TOKENS_BOUND
    cache = headers.get("x-llmo-cache", "")
    if cache not in {"", "no-cache", "no-store"}:
        raise InvalidCall("The header x-llmo-cache takes no-cache or no-store.", param="x-llmo-cache")
    return Call(
        endpoint=endpoint,
        model=model,
        stream=stream,
        usage_wanted=usage_wanted,
        body=sent,
        cache_digest="" if cache == "no-store" else _digest(endpoint, body),
        cache_read=not cache,
        input_tokens_estimate=text_bytes // _CHARACTERS_PER_TOKEN + image_tokens,
        # Byte-pair encodings never have more tokens than bytes, and a request's JSON has more bytes than its texts.
        input_tokens_bound=text_bytes + image_tokens,
        output_tokens_bound=_output_bound(body, prices) if endpoint is Endpoint.CHAT_COMPLETIONS else 0,
        service_tier=_text(body, "service_tier") or "auto",
        end_user=(_text(body, "user") or "")[:_MAX_NAME_LENGTH] or None,
        traceparent=_traceparent(headers),
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


def _traceparent(headers: Mapping[str, str]) -> str | None:
    given = headers.get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else None


def _usage_wanted(body: Body) -> bool:
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise InvalidCall("'stream_options' must be an object.", param="stream_options")
    return bool(options and options.get("include_usage"))


def _with_usage(body: Body) -> Body:
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def _output_bound(body: Body, prices: ModelPrices) -> int:
    asked = _count(body, "max_completion_tokens") or _count(body, "max_tokens") or prices.max_output_tokens
    return min(asked, prices.max_output_tokens) * (_count(body, "n") or 1)


def _images(body: Body) -> tuple[int, int]:
    """How many images the messages carry, and how many bytes of the body their data URLs take."""
    urls = [
        part["image_url"].get("url", "")
        for message in body.get("messages", ())
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if isinstance(part, dict) and isinstance(part.get("image_url"), dict)
    ]
    return len(urls), sum(len(url) for url in urls if isinstance(url, str))


def _digest(endpoint: Endpoint, body: Body) -> str:
    kept = {name: value for name, value in body.items() if name not in _NOT_IN_CACHE_KEY}
    canonical = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=24, person=endpoint[:16].encode()).hexdigest()


def _missing(name: str) -> InvalidCall:
    return InvalidCall(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
