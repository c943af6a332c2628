"""Values as templates get them: plain JSON without characters that no message has, and not too much of it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

MOST_CHARACTERS: Final = 65_536
_MOST_VALUES: Final = 10_000
_MOST_DEPTH: Final = 8

# Control characters but tab and line feed, lone surrogates, and what is no character (Unicode 17, section 23.7).
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BREAKS: Final = re.compile(r"\r\n|[\r\x85\u2028\u2029]")


class TooMuch(ValueError):
    """The values have more in them than a message has."""


def text(given: str) -> str:
    """A text whose lines end with line feeds, without control characters."""
    return _NO_TEXT.sub("", _BREAKS.sub("\n", str.__str__(given)))


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as plain JSON: texts, numbers, truths, null, lists and mappings. What is none of them becomes text.

    Raises TooMuch.
    """
    left = [_MOST_VALUES, MOST_CHARACTERS]
    return {text(str(name)): _plain(value, left, _MOST_DEPTH) for name, value in given.items()}


def _plain(given: object, left: list[int], depth: int) -> Any:  # noqa: ANN401 - any JSON
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise TooMuch(f"the values are more than {_MOST_VALUES:,}, or nested more than {_MOST_DEPTH} times")
    if given is None or isinstance(given, bool | int | float):
        return given
    if isinstance(given, Mapping):
        return {_counted(str(name), left): _plain(value, left, depth - 1) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [_plain(value, left, depth - 1) for value in given]
    return _counted(f"{given:f}" if isinstance(given, Decimal) else str(given), left)


def _counted(given: str, left: list[int]) -> str:
    left[1] -= len(given)
    if left[1] < 0:
        raise TooMuch(f"the values have more than {MOST_CHARACTERS:,} characters")
    return text(given)
