"""Templates of prompts: texts with `{{ names }}` in them, and nothing else that means anything.

No conditions, loops or filters: whoever gives a value cannot make the template do something, and every language renders
it in the same way. The gateway imports it too: nothing of pydantic in here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}")
_MOST_DIGITS: Final = 9
_LONGEST: Final = 1_000_000

type Value = str | int | float | bool
type Message = Mapping[str, Any]


class TemplateError(ValueError):
    """The values are not those that the template needs; it says which."""


def names(messages: Sequence[Message]) -> frozenset[str]:
    """The names that stand in the texts of messages."""
    return frozenset(match[1] for text in _texts(messages) for match in _PLACE.finditer(text))


def rendered(messages: Sequence[Message], values: Mapping[str, object]) -> list[dict[str, Any]]:
    """The messages with values in place of names.

    What is put in is never looked at again: a value with `{{ name }}` in it stays as it is, and no value can end a
    message or begin another one. Whatever else has braces stays too. Raises TemplateError for a value that is missing,
    not asked for, or neither text, number nor truth, and when all of it would have more than a million characters.
    """
    wanted = names(messages)
    if missing := sorted(wanted - values.keys()):
        raise TemplateError(f"These variables have no value: {', '.join(missing)}.")
    if unknown := sorted(values.keys() - wanted):
        raise TemplateError(f"The prompt has no such variables: {', '.join(unknown)}.")
    texts = {name: _text(name, value) for name, value in values.items()}
    # Counted before it is made: a long value in a thousand places would fill the memory.
    if sum(len(texts[match[1]]) for text in _texts(messages) for match in _PLACE.finditer(text)) > _LONGEST:
        raise TemplateError(f"The values would make more than {_LONGEST} characters of the prompt.")
    return [_filled(message, texts) for message in messages]


def chosen(version: object, labels: Mapping[str, int], newest: int) -> int:
    """The number of the version that a number or a label means; None means `production`, and the newest without that.

    Raises TemplateError when there is none.
    """
    if version is None:
        number = labels.get("production", newest)
    elif isinstance(version, bool) or not isinstance(version, int | str):
        raise TemplateError("A version is named by its number or by a label.")
    elif isinstance(version, str) and not (version.isascii() and version.isdecimal()):
        number = labels.get(version, 0)
    else:
        number = int(version) if len(str(version)) <= _MOST_DIGITS else 0
    if not 1 <= number <= newest:
        raise TemplateError(
            "The prompt has no version yet." if newest == 0 else f"The prompt has no version {version!r}."
        )
    return number


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (part["text"] for part in content)


def _filled(message: Message, texts: Mapping[str, str]) -> dict[str, Any]:
    def fill(text: str) -> str:
        return _PLACE.sub(lambda match: texts[match[1]], text)

    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": fill(content)}
    if isinstance(content, list):
        parts = [
            {**part, "text": fill(part["text"])} if isinstance(part.get("text"), str) else part for part in content
        ]
        return {**message, "content": parts}
    return dict(message)


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TemplateError(f"The variable {name} must be a text, a number, true or false.")
