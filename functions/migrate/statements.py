"""The statements of a revision's SQL, as words: without comments, with strings, quoted names and bodies whole.

Lexical structure: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\W\d]\w*)'
_TOKEN: Final = re.compile(
    rf"""(?P<skipped>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    |(?P<name>{_NAME}(?:\s*\.\s*{_NAME})*)
    |(?P<number>\d[\w.]*)
    |(?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)
_OPENING: Final = ("(", "[")
_CLOSING: Final = (")", "]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        words: Its tokens; names and keywords in lower case, a name with its schema as one word.
        text: As it is written, without comments and with single spaces.
    """

    words: tuple[str, ...]
    text: str


def statements(sql: str) -> tuple[Statement, ...]:
    """What a text says, in order; the semicolons are left out."""
    found: list[Statement] = []
    words: list[str] = []
    written: list[str] = []
    for token in _TOKEN.finditer(f"{sql}\n;"):
        if token["skipped"]:
            written.append(" ")
        elif token["mark"] == ";":
            if words:
                found.append(Statement(tuple(words), " ".join("".join(written).split())))
            words, written = [], []
        else:
            words.append(re.sub(r"\s", "", token[0]).lower() if token["name"] else token[0])
            written.append(token[0])
    return tuple(found)


def parts(words: Sequence[str]) -> list[tuple[str, ...]]:
    """A list's members: split at the commas that stand in no brackets."""
    members: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word in _OPENING) - (word in _CLOSING)
        if word == "," and depth == 0:
            members.append([])
        else:
            members[-1].append(word)
    return [tuple(member) for member in members]


def outside(words: Sequence[str]) -> list[str]:
    """The words that stand in no brackets."""
    kept: list[str] = []
    depth = 0
    for word in words:
        depth += (word in _OPENING) - (word in _CLOSING)
        if depth == 0:
            kept.append(word)
    return kept


def after(words: Sequence[str], *skipped: str) -> tuple[str, ...]:
    """What follows optional words at the beginning."""
    position = 0
    while position < len(words) and words[position] in skipped:
        position += 1
    return tuple(words[position:])


def words_of_body(body: str) -> frozenset[str]:
    """Every word of an anonymous block, those included that its strings hold, which it may execute."""
    inner = body.strip().removeprefix("$").partition("$")[2].rpartition("$")[0].rpartition("$")[0]
    return frozenset(re.findall(r"\w+", inner.lower()))
