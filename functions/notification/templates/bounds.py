"""How long messages may be, on each channel.

A message that is too long is cut, and not kept back: who gets it learns what happened, and where to read on.
"""

import re
from dataclasses import dataclass
from typing import Final

from notification.templates import values
from notification.templates.filters import cut

SUBJECT: Final = 200
"""Characters of a subject: more than any client shows of it, and far below the 998 of a line (RFC 5322, 2.1.1)."""

PUSH_TITLE: Final = 100
PUSH_BODY: Final = 400
"""What notifications show of a text; with a title and a link it fits the 4,096 bytes that push services and FCM take.

Sources: RFC 8030, section 7.2; https://firebase.google.com/docs/cloud-messaging/customize-messages/set-message-type.
"""

PUSH_LINK: Final = 1_024
LINK: Final = 2_048
"""What addresses of files in S3 take, which carry a session token of the role that signed them: about 1,500."""

IN_APP_TITLE: Final = 200
IN_APP_BODY: Final = 2_000

SEGMENTS: Final = 4
"""Of a text message, each of which is paid for. Twilio takes ten, and advises two at most, because of how they arrive:
https://www.twilio.com/docs/glossary/what-sms-character-limit."""

# GSM 03.38, the default alphabet and its extension table, whose characters take two places: 3GPP TS 23.038, 6.2.1.
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
# What print has and GSM 03.38 has not, and a text message does without: one of them alone would double its price.
_PLAINER: Final = str.maketrans(
    {
        "\u00a0": " ",
        "\u202f": " ",
        "\u2013": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2026": "...",
    }
)
_SPACES: Final = re.compile(r"\s+")
_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")  # with them, what is read is not what is there
_MANY_BREAKS: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text message goes over the air: in how many parts, and in which alphabet."""

    count: int
    encoding: str


def line(text: str, most: int) -> str:
    """A text as one line, without anything that could begin another one or another header."""
    return cut(_SPACES.sub(" ", _DIRECTIONS.sub("", values.text(text))).strip(), most)


def paragraphs(text: str, most: int) -> str:
    """A text of several lines, with one empty line between paragraphs at most."""
    stripped = "\n".join(each.strip() for each in values.text(text).split("\n"))
    return cut(_MANY_BREAKS.sub("\n\n", stripped).strip(), most)


def segments(text: str) -> Segments:
    """The segments of a text message: 160 places of GSM-7 or 70 of UCS-2 in one, 153 or 67 in each of several."""
    if _is_gsm(text):
        places, single, several = sum(2 if each in _GSM_EXTENSION else 1 for each in text), 160, 153
        encoding = "gsm_7"
    else:
        places, single, several = len(text.encode("utf-16-be")) // 2, 70, 67
        encoding = "ucs_2"
    return Segments(1 if places <= single else -(-places // several), encoding)


def sms(text: str, link: str | None) -> str:
    """A text message with a link at its end: of what is too long the text is cut; a link is whole, or left out."""
    if link is not None and segments(link).count >= SEGMENTS:
        link = None
    said = paragraphs(text.translate(_PLAINER), IN_APP_BODY)
    end = f" {link}" if link else ""
    if segments(said + end).count <= SEGMENTS:
        return said + end
    dots = "..." if _is_gsm(said + end) else "…"
    fits, over = 0, len(said)  # of the first it is known that it fits, of the second that it does not
    while over - fits > 1:
        middle = (fits + over) // 2
        if segments(said[:middle].rstrip() + dots + end).count <= SEGMENTS:
            fits = middle
        else:
            over = middle
    return said[:fits].rstrip() + dots + end


def _is_gsm(text: str) -> bool:
    return all(each in _GSM or each in _GSM_EXTENSION for each in text)
