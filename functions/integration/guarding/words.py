"""Words and phrases, found whole and whatever their case."""

from collections.abc import Iterable, Iterator
from typing import Final

import re2

from integration.guarding.patterns import Pattern, Span, compiled

_BEFORE: Final = r"(?i)(?:^|[^\pL\pN\pM_])"
_MEMORY: Final = 8 * 1024 * 1024  # what a thousand phrases need
_AFTER: Final = r"(?:$|[^\pL\pN\pM_])"


def words_pattern(words: Iterable[str]) -> Pattern:
    """What finds any of these words; blanks within a phrase may be any blanks. Raises UnusablePattern."""
    phrases = (r"\s+".join(map(re2.escape, word.split())) for word in words)
    return compiled(f"{_BEFORE}({'|'.join(phrases)}){_AFTER}", memory=_MEMORY)


def spans_of_words(pattern: Pattern, data: bytes) -> Iterator[Span]:
    """Where the words are. What stands between two of them ends the one and begins the other."""
    found = pattern.search(data)
    while found is not None:
        yield found.span(1)
        found = pattern.search(data, pos=found.end(1))
