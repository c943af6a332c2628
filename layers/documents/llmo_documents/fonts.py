"""Open Sans: Latin, Greek and Cyrillic letters. What it has no letter for is shown as a box."""

import unicodedata
from functools import cache
from importlib.resources import files

from PIL import ImageFont

_MEASURED_AT = 100
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@cache
def font_file(*, bold: bool = False) -> str:
    """Where the font is."""
    return str(files("ttf_opensans") / "ttf" / f"OpenSans-{'SemiBold' if bold else 'Regular'}.ttf")


@cache
def image_font(size: float, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font for images, at a size in pixels."""
    return ImageFont.truetype(font_file(bold=bold), size, layout_engine=ImageFont.Layout.BASIC)


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is, in the unit of the size."""
    return image_font(_MEASURED_AT, bold=bold).getlength(text) * size / _MEASURED_AT


def one_line(text: str, most: int = 200) -> str:
    """A text of at most so many characters, without what moves, breaks or hides others: controls and such."""
    return "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in text[:most])


def fitting(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """As much of a line of text as is no wider than that; an ellipsis stands for the rest."""
    text = one_line(text)
    if width_of(text, size, bold=bold) <= width:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if width_of(text[:middle] + "…", size, bold=bold) <= width:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest].rstrip() + "…"
