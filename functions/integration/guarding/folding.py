"""Texts as they look to a reader: invisible characters left out, and odd blanks, dashes and digits as ordinary ones."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

# What no reader sees: soft hyphen, joiners, zero-width spaces, marks of direction, invisible operators, variation
# selectors, byte-order mark, tags. Source: Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_PIECE: Final = 65_536
_END: Final = 0x20000  # behind the last digit


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it looks.

    Attributes:
        text: What it looks like.
        place: Where a character of it stands in the text itself.
    """

    text: str
    place: Callable[[int], int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it, which is not empty, stands in the text itself."""
        return self.place(start), self.place(end - 1) + 1


def fold(text: str) -> Folded:
    """A text as it looks. Costs nothing for ASCII."""
    if text.isascii():
        return Folded(text, int)
    gone = [found.start() for found in _INVISIBLE.finditer(text)]
    seen = _INVISIBLE.sub("", text) if gone else text
    kept_before = [place - number for number, place in enumerate(gone)]
    ordinary = _ordinary()
    # In pieces: other threads wait while Python is inside one of its own functions.
    pieces = (seen[start : start + _PIECE].translate(ordinary) for start in range(0, len(seen), _PIECE))
    return Folded("".join(pieces), lambda place: place + bisect_right(kept_before, place))


@cache
def _ordinary() -> dict[int, str]:
    """Each blank, dash and decimal digit of Unicode, and what is the full-width form of ASCII, as ASCII has it."""
    table: dict[int, str] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    for code in range(0x80, _END):
        character = chr(code)
        match unicodedata.category(character):
            case "Zs":
                table[code] = " "
            case "Pd":
                table.setdefault(code, "-")
            case "Nd":
                table[code] = str(unicodedata.decimal(character))
            case _:
                continue
    return table
