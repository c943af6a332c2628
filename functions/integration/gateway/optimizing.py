"""Making a chat completion cheaper without changing what it asks for, as far as a project's policy allows.

Everything here works on the call as the client sent it and gives a new one. Nothing is cut inside a message, tool calls
stay with their results, and instructions (system and developer messages) always stay.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from integration.gateway.call import Step
from integration.gateway.organization import Policy

_CHARACTERS_PER_TOKEN: Final = 4
_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_LIMITS: Final = ("max_completion_tokens", "max_tokens")
_TRAILING: Final = re.compile(r"[ \t]+(?=\n|\Z)")
_BLANK_LINES: Final = re.compile(r"\n{3,}")

type Body = Mapping[str, Any]
type Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Optimized:
    """A call, and what was done to it."""

    body: Body
    steps: tuple[Step, ...] = ()


def optimize(body: Body, policy: Policy, *, owner: str) -> Optimized:
    """What a policy makes of a chat completion.

    Args:
        body: The request's body, with its messages.
        policy: What may be done.
        owner: Whose the call is: prompts of two owners are never cached together.
    """
    optimized = Optimized(body)
    if policy.compact:
        optimized = _then(optimized, _compacted(optimized.body))
    if policy.trim_to_tokens is not None:
        optimized = _then(optimized, _trimmed(optimized.body, policy.trim_to_tokens))
    if policy.max_output_tokens is not None:
        optimized = _then(optimized, _capped(optimized.body, policy.max_output_tokens))
    if policy.prompt_cache:
        optimized = _then(optimized, _with_cache_key(optimized.body, owner))
    return optimized


def _then(before: Optimized, after: Optimized) -> Optimized:
    return Optimized(after.body, before.steps + after.steps)


def _compacted(body: Body) -> Optimized:
    """Without trailing blanks, runs of blank lines, and messages that repeat the one before to the letter."""
    kept: list[Message] = []
    for message in map(_tidied, body["messages"]):
        if not kept or message != kept[-1] or not _is_plain(message):
            kept.append(message)
    repeated = len(body["messages"]) - len(kept)
    fewer = (_size(body["messages"]) - _size(kept)) // _CHARACTERS_PER_TOKEN
    if fewer <= 0:
        return Optimized(body)
    repeats = f"; of messages that repeat the one before: {repeated}" if repeated else ""
    reason = f"blanks at line ends and runs of blank lines are left out{repeats}"
    return Optimized({**body, "messages": kept}, (Step("compact", reason, fewer),))


def _tidied(message: Message) -> Message:
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": _tidy(content)}
    if not isinstance(content, list):
        return message
    return {**message, "content": [_tidied_part(part) for part in content]}


def _tidied_part(part: Any) -> Any:  # noqa: ANN401 - a part is whatever the client sent
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return {**part, "text": _tidy(part["text"])}
    return part


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text))


def _is_plain(message: Message) -> bool:
    """Whether a message is nothing but words: a tool may well be called twice in the same way."""
    return message.keys() <= {"role", "content", "name"} and message.get("role") != "tool"


def _trimmed(body: Body, most: int) -> Optimized:
    """With its instructions and as many of the latest turns as fit, but the last one in any case.

    A turn begins with a message of the user, or with what comes before the first of them.
    """
    messages = body["messages"]
    instructions = [message for message in messages if message.get("role") in _INSTRUCTIONS]
    turns = _turns([message for message in messages if message.get("role") not in _INSTRUCTIONS])
    left = most * _CHARACTERS_PER_TOKEN - _size(instructions)
    kept = len(turns)
    for number, turn in enumerate(reversed(turns)):
        left -= _size(turn)
        if left < 0 and number > 0:
            kept = number
            break
    dropped = turns[: len(turns) - kept]
    if not dropped:
        return Optimized(body)
    gone = sum(map(len, dropped))
    reason = f"the {len(dropped)} oldest of {len(turns)} turns are left out to come to {most} tokens"
    step = Step("trim", reason, sum(map(_size, dropped)) // _CHARACTERS_PER_TOKEN)
    return Optimized({**body, "messages": _without_oldest(messages, gone)}, (step,))


def _without_oldest(messages: Sequence[Message], count: int) -> list[Message]:
    """All but so many of the messages that are no instructions."""
    kept = []
    for message in messages:
        if message.get("role") not in _INSTRUCTIONS and count > 0:
            count -= 1
        else:
            kept.append(message)
    return kept


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    turns: list[list[Message]] = []
    for message in messages:
        if message.get("role") == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _capped(body: Body, most: int) -> Optimized:
    """With no more output than the policy allows; the fields that the client used stay the ones that say it."""
    given = {name: body[name] for name in _LIMITS if isinstance(body.get(name), int)}
    capped = {name: min(limit, most) for name, limit in given.items()} or {_LIMITS[0]: most}
    if capped == given:
        return Optimized(body)
    return Optimized({**body, **capped}, (Step("cap", f"the output has at most {most} tokens"),))


def _with_cache_key(body: Body, owner: str) -> Optimized:
    """With a key by which OpenAI finds the machine that has the beginning of the prompt already.

    Source: https://platform.openai.com/docs/guides/prompt-caching
    """
    if "prompt_cache_key" in body:
        return Optimized(body)
    leading = [message for message in body["messages"] if message.get("role") in _INSTRUCTIONS]
    prefix = orjson.dumps([owner, leading, body.get("tools")])
    key = hashlib.blake2b(prefix, digest_size=16).hexdigest()
    reason = "calls with the same instructions and tools share the provider's prompt cache"
    return Optimized({**body, "prompt_cache_key": key}, (Step("prompt_cache", reason),))


def _size(messages: Sequence[Message]) -> int:
    """Bytes of messages as JSON, but not of images and files in them, which are counted in other ways."""
    return sum(len(orjson.dumps(_without_media(message))) for message in messages)


def _without_media(message: Message) -> Message:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [part for part in content if isinstance(part, dict) and part.get("type") == "text"]}
