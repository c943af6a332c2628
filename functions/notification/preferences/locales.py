"""Languages that are written here, and which of them somebody reads who asks for another (RFC 4647, section 3.4)."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

LANGUAGES: Final = ("en", "de", "fr")
"""What templates are written in; the first is for whoever reads none of them."""

# language[-extlang][-script][-region][-variant...], of RFC 5646, section 2.1; private use and extensions are left out.
_TAG = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{3})?(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)


def _well_formed(tag: str) -> str:
    if _TAG.fullmatch(tag) is None:
        raise ValueError('write it as BCP 47 has it, such as "de" or "de-AT"')
    return tag


type Locale = Annotated[str, StringConstraints(max_length=35), AfterValidator(_well_formed)]
"""A language tag of any language."""


def language_of(*tags: str | None) -> str:
    """The language of the first tag that is there; the first of LANGUAGES where nothing is written in that one.

    "Look-up" of RFC 4647: subtags are taken off the end until something matches.
    """
    tag = next((tag for tag in tags if tag is not None), LANGUAGES[0]).lower()
    while tag:
        if tag in LANGUAGES:
            return tag
        tag = tag.rpartition("-")[0]
    return LANGUAGES[0]
