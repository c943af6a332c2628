"""What must be equal in two messages besides their meaning as a model sees it (docs/adr/0019).

Most facts are single values, which `Facts.key` puts into a bucket's digest: messages that differ in them never meet.
The last three guards need both messages, which `agree` compares. Nothing here is more than spelling: a guard that lets
a pair through proves nothing.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from integration.gateway.canonical import CURLED, LONGEST, NUMBERS, QUOTED, code, compiled, tokens, uncourteous
from integration.gateway.lexicon import (
    FILLERS,
    FORMS,
    NEGATING_PREFIX,
    NEGATIONS,
    OPPOSITES,
    PHRASES,
    QUESTIONS,
    RELATIONS,
    UNITS,
)

VERSION: Final = "2"
"""Another one whenever facts come out otherwise: what was stored by other guards is not found any more."""
_NUMBER: Final = r"\d+(?:[.,:]\d+)*"
_MARKED: Final = r"\b(?=\w*\d)(?=\w*[^\W\d])\w+\b"
_SIGN: Final = r"[%$€£]"
_LETTERS: Final = r"[^\W\d_]+"
_SENTENCE_ENDS: Final = r"[.!?:¿¡]\s+|[¿¡]|\n"
_NAME: Final = rf"[^\W\d_][\w'{CURLED}-]*"
_LAST_LATIN: Final = "\N{LATIN SMALL LETTER EZH WITH CARON}"
_NO_CONTENT: Final = FILLERS | RELATIONS.keys()
_LENGTH_RATIO: Final = 2.0
_FREE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Wording:
    """What is compared of two messages whose other facts are equal.

    Attributes:
        length: In characters.
        content: Its words but those that say nothing, in their order.
    """

    length: int
    content: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message's spelling says; each but `wording` is a value of its own."""

    numbers: tuple[str, ...]
    units: tuple[str, ...]
    negations: tuple[str, ...]
    opposites: tuple[str, ...]
    relations: tuple[str, ...]
    literals: tuple[str, ...]
    names: tuple[str, ...]
    asks: tuple[str, ...]
    wording: Wording

    @property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """What must be equal."""
        single = (self.numbers, self.units, self.negations, self.opposites, self.literals, self.asks)
        return (*single, self.relations, self.names)

    @property
    def digest(self) -> bytes:
        """Names the message by all that is known of it here, in 16 bytes."""
        return hashlib.blake2b(repr((VERSION, self.key, self.wording.content)).encode(), digest_size=16).digest()


def facts(text: str) -> Facts:
    """The facts of a message."""
    quoted = compiled(QUOTED)
    literals, rest = quoted.findall(text), quoted.sub(" ", text)
    plain = rest.lower().replace(CURLED, "'").replace("what's", "what is").replace("can't", "can not")
    lowered = uncourteous(plain).replace("n't", " not")
    for pattern, word in PHRASES:
        lowered = compiled(pattern).sub(word, lowered)
    words = compiled(_LETTERS).findall(lowered)
    digits = compiled(_NUMBER).findall(lowered) + compiled(_MARKED).findall(lowered)
    negating = compiled(NEGATING_PREFIX)
    return Facts(
        numbers=_sorted([*digits, *(NUMBERS[word] for word in words if word in NUMBERS and word not in FILLERS)]),
        units=_sorted([UNITS[word] for word in [*words, *compiled(_SIGN).findall(lowered)] if word in UNITS]),
        negations=_sorted([word for word in words if word in NEGATIONS or negating.fullmatch(word)]),
        opposites=_sorted([OPPOSITES[word] for word in words if word in OPPOSITES]),
        relations=tuple(RELATIONS[word] for word in words if word in RELATIONS),
        literals=_sorted([" ".join(literal.split()) for literal in [*literals, *code(rest)]]),
        names=_names(rest),
        asks=_sorted([QUESTIONS.get(word, word) for word in set(words) if word in QUESTIONS or word in FORMS]),
        wording=Wording(
            length=len(text),
            content=tuple(_stem(word) for word in tokens(lowered) if word not in _NO_CONTENT),
        ),
    )


def in_latin_script(text: str) -> bool:
    """Whether most letters of a text are of the script whose words the guards know."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(letter <= _LAST_LATIN for letter in letters) > len(letters)


def agree(first: Wording, second: Wording) -> bool:
    """Whether nothing in two messages, whose other facts are equal, is known to differ."""
    return near_in_length(first, second) and same_order(first, second) and nothing_replaced(first, second)


def near_in_length(first: Wording, second: Wording) -> bool:
    """Whether neither says much more than the other."""
    longer, shorter = max(first.length, second.length), min(first.length, second.length)
    return longer <= LONGEST and (longer <= shorter * _LENGTH_RATIO or longer - shorter <= _FREE_CHARACTERS)


def same_order(first: Wording, second: Wording) -> bool:
    """Whether the words that both have stand in the same order: `from A to B` is not `from B to A`."""
    shared = set(first.content) & set(second.content)
    return [word for word in first.content if word in shared] == [word for word in second.content if word in shared]


def nothing_replaced(first: Wording, second: Wording) -> bool:
    """Whether one only says more words than the other."""
    return set(first.content) <= set(second.content) or set(second.content) <= set(first.content)


def _stem(word: str) -> str:
    return NUMBERS.get(word) or UNITS.get(word) or OPPOSITES.get(word, word)


def _names(text: str) -> tuple[str, ...]:
    """Words with a capital that does not merely begin a sentence, in their order."""
    found = []
    for sentence in compiled(_SENTENCE_ENDS).split(text):
        for position, word in enumerate(compiled(_NAME).findall(sentence)):
            inner = word[1:] != word[1:].lower()
            if (inner or (position and word[0].isupper())) and word.lower() not in _NO_CONTENT:
                found.append(word.lower().removesuffix("'s").removesuffix(f"{CURLED}s"))
    return tuple(found)


def _sorted(words: list[str]) -> tuple[str, ...]:
    return tuple(sorted(words))
