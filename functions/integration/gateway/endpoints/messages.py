"""Texts in the messages of chats."""

from collections.abc import Iterator
from typing import Any, Final

from integration.gateway.endpoints.places import paths
from integration.gateway.usage import Json

SAID: Final = paths(
    "content",
    "content.text",
    "content.refusal",
    "content.thinking",  # of Anthropic, also behind other providers
    "content.thinking.text",  # of Mistral
    "refusal",
    "reasoning_content",  # of DeepSeek and vLLM
    "reasoning",  # of OpenRouter
    "reasoning_details.text",
    "reasoning_details.summary",
    "thinking_blocks.thinking",  # of LiteLLM
    "tool_calls.function.arguments",
    "tool_calls.custom.input",
    "function_call.arguments",
    "audio.transcript",
)
"""Where a message, or what a chunk adds to one, says something."""


def chunk_texts(choice: Json) -> Iterator[str]:
    """The texts in a choice of a chunk."""
    return message_texts(choice.get("delta"))


def message_texts(message: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the provider sent
    """The texts in a message or a part of one."""
    if not isinstance(message, dict):
        return
    for name in ("content", "refusal", "reasoning_content"):
        if isinstance(message.get(name), str):
            yield message[name]
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield from (function[name] for name in ("name", "arguments") if isinstance(function.get(name), str))
