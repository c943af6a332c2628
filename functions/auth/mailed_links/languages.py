"""Which of the languages that pages are written in somebody reads.

Sources: RFC 9110, section 12.5.4 (the header); RFC 4647, section 3.4 (look-up).
"""

import re
from typing import Final

LANGUAGES: Final = ("en", "de", "fr")
"""The first is for whoever reads none of them."""

_MOST_RANGES = 20
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?")


def language_of(accepted: str) -> str:
    """The language that an `Accept-Language` header prefers among ours; what is malformed in it counts for nothing."""
    parts = accepted.split(",")[:_MOST_RANGES]
    ranges = [(found[1].lower(), float(found[2] or 1)) for part in parts if (found := _RANGE.fullmatch(part))]
    preferred = sorted((named for named in ranges if named[0] in LANGUAGES and named[1] > 0), key=lambda one: -one[1])
    return preferred[0][0] if preferred else LANGUAGES[0]
