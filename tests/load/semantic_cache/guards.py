"""What must be equal in two messages besides their meaning as a model sees it.

Every guard but the last three compares one value of each message, so that it can be part of a bucket's key. Nothing
here is more than spelling: a guard that lets a pair through proves nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from integration.gateway.canonical import LONGEST, NUMBERS, tokens
from tests.load.semantic_cache.lexicon import (
    FILLERS,
    FORMS,
    NEGATING_PREFIX,
    NEGATIONS,
    OPPOSITES,
    PHRASES,
    QUESTIONS,
    UNITS,
)

_PHRASES: Final = tuple((re.compile(pattern), word) for pattern, word in PHRASES)
_QUOTED: Final = re.compile(r"```.*?```|`[^`]+`|\"[^\"]+\"|“[^”]+”|„[^“]+“|«[^»]+»", re.DOTALL)
_CODE: Final = re.compile(
    r"\S*(?:\w[._/:]\w|\w_\w|[{}()\[\]<>=|&*^~#\\]|\+\+|--|//)\S*|\b[a-z]+[A-Z]\w*|\S+\s[/%]\s\S+"
)
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_MARKED: Final = re.compile(r"\b(?=\w*\d)(?=\w*[^\W\d])\w+\b")
_SIGN: Final = re.compile(r"[%$€£]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_NEGATING: Final = re.compile(NEGATING_PREFIX)
_CURLED: Final = "\N{RIGHT SINGLE QUOTATION MARK}"
_LENGTH_RATIO: Final = 2.0
_FREE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message's spelling says.

    Attributes:
        content: Its words but those that say nothing, in their order.
    """

    numbers: tuple[str, ...]
    units: tuple[str, ...]
    negations: tuple[str, ...]
    opposites: tuple[str, ...]
    literals: tuple[str, ...]
    names: tuple[str, ...]
    asks: tuple[str, ...]
    length: int
    content: tuple[str, ...]


def facts(text: str) -> Facts:
    """The facts of a message."""
    literals = _QUOTED.findall(text)
    rest = _QUOTED.sub(" ", text)
    lowered = rest.lower().replace(_CURLED, "'").replace("n't", " not")
    for pattern, word in _PHRASES:
        lowered = pattern.sub(word, lowered)
    words = _WORD.findall(lowered)
    digits = _NUMBER.findall(lowered) + _MARKED.findall(lowered)
    return Facts(
        numbers=_sorted([*digits, *(NUMBERS[word] for word in words if word in NUMBERS and word not in FILLERS)]),
        units=_sorted([UNITS[word] for word in [*words, *_SIGN.findall(lowered)] if word in UNITS]),
        negations=_sorted([word for word in words if word in NEGATIONS or _NEGATING.fullmatch(word)]),
        opposites=_sorted([OPPOSITES[word] for word in words if word in OPPOSITES and word not in FILLERS]),
        literals=_sorted([" ".join(literal.split()) for literal in [*literals, *_CODE.findall(rest)]]),
        names=_names(rest),
        asks=_sorted([QUESTIONS.get(word, word) for word in set(words) if word in QUESTIONS or word in FORMS]),
        length=len(text),
        content=tuple(_canonical(word) for word in [*tokens(lowered)] if word not in FILLERS),
    )


type Guard = Callable[[Facts, Facts], bool]

GUARDS: Final[Mapping[str, Guard]] = {
    "numbers": lambda a, b: a.numbers == b.numbers,
    "dates and units": lambda a, b: a.units == b.units,
    "negation": lambda a, b: a.negations == b.negations,
    "opposites": lambda a, b: a.opposites == b.opposites,
    "quotes and code": lambda a, b: a.literals == b.literals,
    "names, in order": lambda a, b: a.names == b.names,
    "kind of question, form": lambda a, b: a.asks == b.asks,
    "length": lambda a, b: _near(a.length, b.length),
    "order of words": lambda a, b: _same_order(a.content, b.content),
    "no replaced word": lambda a, b: _nothing_replaced(a.content, b.content),
}


def _canonical(word: str) -> str:
    return NUMBERS.get(word) or UNITS.get(word) or OPPOSITES.get(word, word)


def _names(text: str) -> tuple[str, ...]:
    """Words with a capital that does not merely begin a sentence, in their order."""
    found = []
    for sentence in re.split(r"[.!?:¿¡]\s+|[¿¡]|\n", text):
        words = re.findall(rf"[^\W\d_][\w'{_CURLED}-]*", sentence)
        for position, word in enumerate(words):
            inner = word[1:] != word[1:].lower()
            if (inner or (position and word[0].isupper())) and word.lower() not in FILLERS:
                found.append(word.lower().removesuffix("'s").removesuffix(f"{_CURLED}s"))
    return tuple(found)


def _near(first: int, second: int) -> bool:
    longer, shorter = max(first, second), min(first, second)
    return longer <= LONGEST and (longer <= shorter * _LENGTH_RATIO or longer - shorter <= _FREE_CHARACTERS)


def _same_order(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether the words that both have stand in the same order: `from A to B` is not `from B to A`."""
    shared = set(first) & set(second)
    return [word for word in first if word in shared] == [word for word in second if word in shared]


def _nothing_replaced(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether one only says more words than the other."""
    return set(first) <= set(second) or set(second) <= set(first)


def _sorted(words: list[str]) -> tuple[str, ...]:
    return tuple(sorted(words))
