"""The templates that are shipped: a file for each language and kind, from which every channel gets what it needs.

A file has these blocks: `subject` (titles are it too), `heading` of the mail if it is another text, `body` of the mail
as HTML, `action` and `url` of its button, and `short`, which text messages, push and the inbox say.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from notification.kinds.models import Channel
from notification.templates.language import Parsed, blocks, parsed

LOCALES: Final = ("en", "de", "fr")
_DEFAULTS: Final = files("notification.templates") / "defaults"
_HTML: Final = frozenset({"body"})
_NAMES: Final[Mapping[Channel, Mapping[str, str]]] = {
    Channel.EMAIL: {name: name for name in ("subject", "heading", "body", "action", "url", "short")},
    Channel.SMS: {"text": "short", "url": "url"},
    Channel.PUSH: {"title": "subject", "body": "short", "url": "url"},
    Channel.IN_APP: {"title": "subject", "body": "short", "url": "url"},
}


def locale_of(wanted: Sequence[str]) -> str:
    """The first of these languages that there are shipped templates in; else English."""
    return next((locale for tag in wanted if (locale := tag.partition("-")[0]) in LOCALES), "en")


def parts(locale: str, kind: str, channel: Channel) -> Mapping[str, Parsed]:
    """What is shipped of a kind for a channel."""
    found = _blocks(locale, kind)
    return {name: found[block] for name, block in _NAMES[channel].items() if block in found}


def frame(locale: str) -> Mapping[str, Parsed]:
    """The texts around a mail: `greeting`, `hint`, `reason` and `unsubscribe`."""
    return _blocks(locale, "_frame")


@cache
def layout() -> Parsed:
    """What stands around mails, unless an organization has a layout of its own."""
    return parsed((_DEFAULTS / "layout.jinja").read_text(encoding="utf-8"), html=True)


@cache
def content() -> Parsed:
    """What a mail itself is made of: heading, greeting, body and button."""
    return parsed((_DEFAULTS / "content.jinja").read_text(encoding="utf-8"), html=True)


@cache
def _blocks(locale: str, name: str) -> Mapping[str, Parsed]:
    return blocks((_DEFAULTS / locale / f"{name}.jinja").read_text(encoding="utf-8"), html=_HTML)
