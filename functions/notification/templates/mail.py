"""From what a mail says to what is sent: styles inlined, nothing in it that acts, and the same as plain text.

Nothing is fetched: a style sheet or a picture that stands elsewhere stays there.
"""

import re
from typing import Any, Final

from css_inline import CSSInliner, InlineError
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from lxml.etree import LxmlError, iterwalk
from lxml.html import HtmlComment, HtmlElement, document_fromstring, tostring

from notification.contents import EmailContent
from notification.templates import bounds
from notification.templates.language import MOST_CHARACTERS, Failed

_INLINER: Final = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
_STYLE: Final = re.compile(r"<style[^>]*>(.*?)(?:</style|\Z)", re.IGNORECASE | re.DOTALL)
_MOST_STYLING: Final = 16_000_000  # what every element could get, were all styles written to it

_MOST_DEPTH: Final = 100

_TAGS: Final = """
    html head title meta style body a abbr address article b blockquote br caption center cite code col colgroup dd del
    div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins li main mark nav ol p pre q s
    section small span strong sub sup table tbody td tfoot th thead time tr u ul
"""
_ELEMENTS: Final = frozenset(_TAGS.split())
_SPOKEN: Final = frozenset({"name", "charset"})  # a `meta` of these says something, and does nothing
_LINKS: Final = re.compile(r"https?://|mailto:|tel:|#", re.IGNORECASE)
_PICTURES: Final = re.compile(r"https?://|cid:|data:image/(?:png|gif|jpeg|webp);", re.IGNORECASE)
_ADDRESSES: Final = {"href": _LINKS, "src": _PICTURES, "background": _PICTURES, "cite": _LINKS}
_ATTRIBUTE: Final = re.compile(r"(?!on)[a-z][a-z0-9_-]*")
_ACTING: Final = frozenset({"action", "data", "formaction", "ping", "poster", "srcdoc", "srcset"})
_IGNORED: Final = re.compile(r"[\x00-\x20]+")  # by browsers, where an address begins
_TABLES: Final = ("table", "tr", "td", "th")
_BLOCK: Final = STRICT_CSS_PROFILE["div"]


def mail(*, subject: str, html: str) -> EmailContent:
    """A mail of a whole HTML document, and its text. Elements of the class `hint` are of HTML alone. Raises Failed."""
    styles = sum(len(match[1]) for match in _STYLE.finditer(html))
    if styles * html.count("<") > _MOST_STYLING:
        raise Failed("there are too many styles for so many elements")
    try:
        document = document_fromstring(_INLINER.inline(_flat(html)))
        _disarm(document)
        sent: str = tostring(document, encoding="unicode", doctype="<!DOCTYPE html>")
        text = _text(document)
    except Failed:
        raise
    except (InlineError, LxmlError, RecursionError, ValueError) as error:
        raise Failed(f"no mail can be made of this HTML: {error}"[:500]) from error
    if len(sent) > MOST_CHARACTERS:
        raise Failed(f"the mail has more than {MOST_CHARACTERS:,} characters")
    return EmailContent(subject=bounds.line(subject, bounds.SUBJECT), html=sent, text=text)


def _flat(html: str) -> str:
    """The document, if it is not nested too deeply: what inlines styles goes down without end, and crashes.

    Only what every parser reads in the same way is left in it, or it would be deeper there than here.
    """
    document = document_fromstring(html)
    _disarm(document)
    depth = 0
    for event, _ in iterwalk(document, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MOST_DEPTH:
            raise Failed("the HTML is nested too deeply")
    flat: str = tostring(document, encoding="unicode", doctype="<!DOCTYPE html>")
    return flat


def _disarm(document: HtmlElement) -> None:
    """Leave nothing in a document but what is read, and links that lead somewhere."""
    for element in [*document.iter()]:
        if not _is_read(element):
            if element.getparent() is not None:
                element.drop_tree()
            continue
        if not isinstance(element.tag, str):
            continue
        found = element.attrib.items()
        kept = [(name, value) for name, value in found if _is_harmless(name, value)]
        if len(kept) < len(found):
            element.attrib.clear()  # one by one, lxml does not find those with names such as `{}:`
            element.attrib.update(kept)


def _is_read(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str):  # of comments those stay that Outlook goes by
        return isinstance(element, HtmlComment) and str(element.text).startswith("[if ")
    return element.tag in _ELEMENTS and not (element.tag == "meta" and _SPOKEN.isdisjoint(element.attrib))


def _is_harmless(name: str, value: str) -> bool:
    if _ATTRIBUTE.fullmatch(name) is None or name in _ACTING:
        return False
    allowed = _ADDRESSES.get(name)
    return allowed is None or allowed.match(_IGNORED.sub("", value)) is not None


def _text(document: HtmlElement) -> str:
    """What a document says as plain text, with its links. The document is another one then."""
    for element in document.find_class("hint"):
        element.drop_tree()
    for anchor in [*document.iter("a")]:
        target = anchor.get("href", "")
        said = "".join(anchor.itertext()).strip()
        if target and not target.startswith("#") and said not in {target, target.removeprefix("mailto:")}:
            _append(anchor, f" <{target}>")
    for cell in [*document.iter("td", "th")]:
        if cell.getprevious() is not None:
            cell.text = f" | {cell.text or ''}"
    return bounds.paragraphs(Inscriptis(document, _PLAIN).get_text(), MOST_CHARACTERS)


def _append(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = f"{element[-1].tail or ''}{text}"
    else:
        element.text = f"{element.text or ''}{text}"


def _nothing(*_: Any) -> None:  # noqa: ANN401 - whatever inscriptis gives
    """Rows of tables are lines: columns that are as wide as their widest cell would make megabytes of a few bytes."""


_PLAIN: Final = ParserConfig(
    css={**STRICT_CSS_PROFILE, "table": _BLOCK, "tr": _BLOCK, "hr": _BLOCK},
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        start_tag_mapping=dict.fromkeys(_TABLES, _nothing), end_tag_mapping=dict.fromkeys(_TABLES, _nothing)
    ),
)
