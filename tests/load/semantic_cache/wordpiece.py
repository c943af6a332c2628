"""BERT's uncased WordPiece tokenizer, in plain Python.

Source: https://github.com/google-research/bert/blob/master/tokenization.py
"""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_LONGEST_WORD: Final = 100
_ASCII_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class WordPiece:
    """Turns texts into token ids.

    Args:
        vocabulary: A file with a token a line; its number is its id.
    """

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").splitlines()
        self._ids = {token: number for number, token in enumerate(lines)}
        self._unknown = self._ids["[UNK]"]
        self._known_words: dict[str, Sequence[int]] = {}

    def encode(self, text: str, most: int) -> list[int]:
        """The ids of a text between those of `[CLS]` and `[SEP]`, at most so many."""
        ids = [self._ids["[CLS]"]]
        for word in _words(text):
            ids.extend(self._pieces(word))
            if len(ids) >= most:
                break
        return [*ids[: most - 1], self._ids["[SEP]"]]

    def _pieces(self, word: str) -> Sequence[int]:
        known = self._known_words.get(word)
        if known is None:
            known = self._known_words[word] = self._split(word)
        return known

    def _split(self, word: str) -> Sequence[int]:
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = self._ids.get(prefix + word[start:end])
                if piece is not None:
                    pieces.append(piece)
                    start = end
                    break
            else:
                return [self._unknown]
        return pieces


def _words(text: str) -> Iterator[str]:
    folded = unicodedata.normalize("NFD", text.lower())
    word = ""
    for character in folded:
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        alone = character in _ASCII_PUNCTUATION or category.startswith("P")
        if alone or character.isspace():
            if word:
                yield word
            word = ""
            if alone:
                yield character
        else:
            word += character
    if word:
        yield word
