"""Pairs of last user messages: some mean the same, some only look so, and some have nothing in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


class Kind(StrEnum):
    """What a cache must do with the second message of a pair when it has the answer to the first; and the file."""

    PARAPHRASE = "paraphrases"
    NEAR_MISS = "near_misses"
    UNRELATED = "unrelated"
    FRESH_PARAPHRASE = "fresh_paraphrases"
    FRESH_NEAR_MISS = "fresh_near_misses"

    @property
    def same(self) -> bool:
        """Whether the answer to the first message answers the second."""
        return self in {Kind.PARAPHRASE, Kind.FRESH_PARAPHRASE}

    @property
    def fresh(self) -> bool:
        """Whether these were written after the guards, none of which was loosened since."""
        return self in {Kind.FRESH_PARAPHRASE, Kind.FRESH_NEAR_MISS}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two messages.

    Attributes:
        category: What makes them differ.
        language: Of the second message.
    """

    kind: Kind
    category: str
    language: str
    first: str
    second: str


def read(kind: Kind) -> Sequence[Pair]:
    """The pairs of a file."""
    lines = (_FOLDER / f"{kind.value}.tsv").read_text(encoding="utf-8").splitlines()
    return [Pair(kind, *_columns(line)) for line in lines if line]


def read_all() -> Sequence[Pair]:
    """All pairs."""
    return [pair for kind in Kind for pair in read(kind)]


def _columns(line: str) -> tuple[str, str, str, str]:
    category, language, first, second = line.split("\t")
    return category, language, first, second
