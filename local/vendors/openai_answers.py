"""Answers of the fake upstream: deterministic text and vectors, true token counts, OpenAI's shapes.

Source: https://platform.openai.com/docs/api-reference/chat and …/embeddings
"""

import base64
import hashlib
import math
import random
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import bpe_openai

from local.vendors.openai_faults import Faults

type Json = dict[str, Any]

CHAT_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini")
EMBEDDING_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
CREATED = 1_715_367_049

DEFAULT_TOKENS = 24
_MOST_CHARACTERS = 500_000  # bpe-openai refuses texts of a million; where one is cut, the count may be off by a token
_TOKENS_PER_MESSAGE = 3  # what OpenAI adds per message and, once, for the answer
_PROSE = (
    "a token costs money so count it cache what repeats route what is simple and keep the answer short the budget "
    "holds because every request asks first and settles after while the stream goes on without waiting"
)
_WORDS = _PROSE.split()
_WORD = re.compile(r"\w+")


class BadRequest(Exception):
    """The request lacks something; `param` names it."""

    def __init__(self, message: str, param: str | None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


@cache
def _encoding() -> bpe_openai.Encoding:
    return bpe_openai.get_encoding("o200k_base")


def count_tokens(text: str) -> int:
    """The length of a text in tokens of o200k_base."""
    encode = _encoding().encode
    return sum(len(encode(text[start : start + _MOST_CHARACTERS])) for start in range(0, len(text), _MOST_CHARACTERS))


def message_text(message: Json) -> str:
    """The text of a message whose content is a string or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer to a chat request.

    Attributes:
        id: `chatcmpl-…`.
        model: As reported.
        choices: For each choice its text, token by token.
        finish_reason: `stop`, or `length` when max_tokens cut it.
        usage: OpenAI's usage object.
    """

    id: str
    model: str
    choices: tuple[tuple[str, ...], ...]
    finish_reason: str
    usage: Json

    def body(self, *, with_usage: bool) -> Json:
        """The `chat.completion` object."""
        choices: list[Json] = [
            {
                "index": index,
                "message": {"role": "assistant", "content": "".join(tokens), "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": self.finish_reason,
            }
            for index, tokens in enumerate(self.choices)
        ]
        return self._envelope("chat.completion", choices) | ({"usage": self.usage} if with_usage else {})

    def chunks(self, *, include_usage: bool) -> Iterator[Json]:
        """The `chat.completion.chunk` objects, in the order in which OpenAI sends them."""
        null_usage: Json = {"usage": None} if include_usage else {}
        for index, tokens in enumerate(self.choices):
            opening: list[Json] = [{"role": "assistant", "content": "", "refusal": None}]
            for delta in opening + [{"content": token} for token in tokens]:
                yield self._chunk(index, delta, None) | null_usage
        for index in range(len(self.choices)):
            yield self._chunk(index, {}, self.finish_reason) | null_usage
        if include_usage:
            yield self._envelope("chat.completion.chunk", []) | {"usage": self.usage}

    def _chunk(self, index: int, delta: Json, finish_reason: str | None) -> Json:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._envelope("chat.completion.chunk", [choice])

    def _envelope(self, kind: str, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": CREATED,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_laptop",
            "choices": choices,
        }


def complete(request: Json, faults: Faults) -> Completion:
    """Answer a checked chat request; the same messages get the same text."""
    prompt = "\n".join(message_text(message) for message in request["messages"])
    seed = hashlib.sha256(f"{request['model']}\n{prompt}".encode()).hexdigest()
    wanted = faults.chunks or DEFAULT_TOKENS
    limit = request.get("max_completion_tokens") or request.get("max_tokens") or wanted
    choices = tuple(prose(f"{seed}{index}", min(wanted, limit)) for index in range(request.get("n") or 1))
    prompt_tokens = _TOKENS_PER_MESSAGE + sum(
        _TOKENS_PER_MESSAGE + 1 + count_tokens(message_text(message)) for message in request["messages"]
    )
    completion_tokens = sum(map(len, choices)) + faults.reasoning
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": min(faults.cached, prompt_tokens), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": faults.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    finish_reason = "length" if limit < wanted else "stop"
    return Completion(f"chatcmpl-{seed[:29]}", request["model"], choices, finish_reason, usage)


def prose(seed: str, tokens: int) -> tuple[str, ...]:
    """Words, each of which is one token with the space before it; `So` is one without."""
    chosen = random.Random(seed)  # noqa: S311 - prose, not secrets
    return ("So", *(f" {chosen.choice(_WORDS)}" for _ in range(tokens - 1)))


def embed(request: Json) -> Json:
    """Answer a checked embeddings request with unit vectors.

    A vector is the sum of the directions of its words, each of which depends on nothing but model and word: texts
    that share words are similar, and nothing is known of what words mean, nor of their order.
    """
    model = request["model"]
    dimensions = request.get("dimensions") or EMBEDDING_DIMENSIONS[model]
    inputs = _inputs(request["input"])
    vectors = [_vector(model, text, dimensions) for text, _ in inputs]
    packed = request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(count for _, count in inputs)
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _inputs(given: str | list[Any]) -> list[tuple[str, int]]:
    """Each input as a text and its number of tokens; inputs may be tokens already."""
    if isinstance(given, str):
        return [(given, count_tokens(given))]
    if given and isinstance(given[0], int):
        return [(repr(given), len(given))]
    return [(item, count_tokens(item)) if isinstance(item, str) else (repr(item), len(item)) for item in given]


def _vector(model: str, text: str, dimensions: int) -> list[float]:
    words = Counter(_WORD.findall(text.lower()) or [text])
    directions = [(_direction(f"{model}\n{word}", dimensions), times) for word, times in words.items()]
    raw = [sum(direction[place] * times for direction, times in directions) for place in range(dimensions)]
    norm = math.sqrt(sum(value * value for value in raw))
    return [value / norm for value in raw]


@lru_cache(maxsize=2_000)
def _direction(seed: str, dimensions: int) -> tuple[float, ...]:
    numbers = random.Random(seed)  # noqa: S311 - a direction, not a secret
    return tuple(numbers.uniform(-1, 1) for _ in range(dimensions))


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def check_chat(request: Json) -> None:
    """Refuse what OpenAI refuses. Raises BadRequest."""
    check_model(request, CHAT_MODELS)
    messages = request.get("messages")
    if messages is None:
        raise BadRequest("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise BadRequest("Invalid 'messages': expected a non-empty array of objects.", "messages", "invalid_type")
    for number, message in enumerate(messages):
        _check_content(message.get("content"), f"messages[{number}].content")


def _check_content(content: object, param: str) -> None:
    parts = content if isinstance(content, list) else []
    if not isinstance(content, str | list | None) or not all(isinstance(part, dict) for part in parts):
        message = f"Invalid type for '{param}': expected one of a string or array of objects."
        raise BadRequest(message, param, "invalid_type")


def check_embeddings(request: Json) -> None:
    """Refuse what OpenAI refuses. Raises BadRequest."""
    check_model(request, tuple(EMBEDDING_DIMENSIONS))
    if not request.get("input"):
        raise BadRequest("'input' is a required property", None)


def check_model(request: Json, known: tuple[str, ...]) -> None:
    """Refuse a model that is not known here. Raises BadRequest."""
    model = request.get("model")
    if not model:
        raise BadRequest("you must provide a model parameter", None)
    if model not in known:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise BadRequest(message, None, "model_not_found", status=404)
