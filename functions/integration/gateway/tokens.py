"""Counting tokens when a provider does not report them: unfinished streams and answers without usage.

The vocabularies take half a second and 100 MB to load, so they are loaded at the first need and off the event loop.
"""

import asyncio
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

_ENCODING_OF_UNKNOWN_MODELS = "o200k_base"
# What the chat format adds: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
_TOKENS_PER_MESSAGE = 3
_TOKENS_PER_REPLY = 3
_MOST_CHARACTERS = 500_000  # bpe-openai refuses texts of a million; where one is cut, the count may be off by a token


class BpeTokenCounter:
    """Counts with the byte-pair encoding that OpenAI publishes for the model, or with the newest one."""

    async def count_text(self, model: str, text: str) -> int:
        """Tokens of a text."""
        return await asyncio.to_thread(_count, model, text) if text else 0

    async def count_input(self, model: str, body: bytes) -> int:
        """Tokens of a request's messages or input, given its JSON body."""
        return await asyncio.to_thread(_count_input, model, body)


def _count_input(model: str, raw: bytes) -> int:
    body = orjson.loads(raw)
    if "messages" not in body:
        given = [text for name in ("instructions", "input", "prompt") for text in _texts(body.get(name))]
        return sum(text if isinstance(text, int) else _count(model, text) for text in given)
    messages = body["messages"]
    texts = "\n".join(text for message in messages for text in _message_texts(message))
    tools = orjson.dumps(body["tools"]).decode() if body.get("tools") else ""
    return _TOKENS_PER_REPLY + _TOKENS_PER_MESSAGE * len(messages) + _count(model, texts) + _count(model, tools)


def _texts(value: Any) -> Iterator[str | int]:  # noqa: ANN401 - text, tokens, items with parts, and lists of each
    """The texts of an input, and how many tokens there are between them that are given as numbers."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int):
        yield 1
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name in ("content", "text", "arguments", "output", "summary"):
            yield from _texts(value.get(name))


def _message_texts(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]


def _count(model: str, text: str) -> int:
    if not text:
        return 0
    encode = _encoding(model).encode_ordinary
    return sum(len(encode(text[start : start + _MOST_CHARACTERS])) for start in range(0, len(text), _MOST_CHARACTERS))


@lru_cache(maxsize=64)
def _encoding(model: str) -> Any:  # noqa: ANN401 - bpe_openai's own type
    import bpe_openai  # noqa: PLC0415 - half a second that most processes never need

    try:
        return bpe_openai.encoding_for_model(model)
    except (KeyError, ValueError, bpe_openai.TokenizerError):
        return bpe_openai.get_encoding("cl100k_base" if "embedding" in model else _ENCODING_OF_UNKNOWN_MODELS)
