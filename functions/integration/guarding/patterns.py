"""Patterns that are found in time that grows with the text and no faster: RE2's, https://github.com/google/re2/wiki/Syntax."""

import re
from collections.abc import Iterator
from typing import Final

import re2

from integration.guarding.rules import MOST_PATTERN_CHARACTERS

type Pattern = re2._Regexp  # noqa: SLF001 - the module has no public name for what `compile` gives
type Span = tuple[int, int]

_MEMORY: Final = 2 * 1024 * 1024  # with less than it needs, RE2 is slower: it forgets what it has learned of a pattern
_MOST_STATES: Final = 10_000  # what the slowest way of matching takes for each byte, in the worst case
_PROBES: Final = ("", "a", " ", "a b", "-\n0")
_SINGLE_BYTE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\C")


class UnusablePattern(ValueError):
    """No pattern that guardrails can use; the message says why."""


def compiled(pattern: str, *, memory: int = _MEMORY) -> Pattern:
    """A pattern of RE2, ready to search bytes of UTF-8, in so many bytes of memory. Raises UnusablePattern."""
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else ""
        raise UnusablePattern(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error


def require_usable(pattern: str) -> None:
    """Raise UnusablePattern unless a guardrail can have this pattern."""
    if len(pattern) > MOST_PATTERN_CHARACTERS:
        raise UnusablePattern(f"it has more than {MOST_PATTERN_CHARACTERS} characters")
    if _SINGLE_BYTE.search(pattern):
        raise UnusablePattern(r"\C matches a part of a character")
    usable = compiled(pattern)
    if usable.programsize > _MOST_STATES:
        raise UnusablePattern("it is too large: repeat less in it")
    if any(found.end() == found.start() for probe in _PROBES for found in usable.finditer(probe.encode())):
        raise UnusablePattern("it matches the empty text, which is everywhere")


def spans(pattern: Pattern, data: bytes) -> Iterator[Span]:
    """Where a pattern is found in bytes, but for empty places."""
    return (found.span() for found in pattern.finditer(data) if found.end() > found.start())
