"""Pages for people: Jinja2 with everything escaped, no scripts, and headers that keep others out of them.

Sources: OWASP's cheat sheets on content security policies and clickjacking.
"""

import base64
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from notification.preferences.locales import language_of
from notification.unsubscribing.forms import FIELD, VALUE
from notification.unsubscribing.tokens import Unsubscription
from notification.unsubscribing.words import WORDS

_PAGES = Path(__file__).parent / "pages"


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined)
    environment.globals["style"] = Markup(_style())  # noqa: S704 - our own file
    return environment


@cache
def _style() -> str:
    return (_PAGES / "style.css").read_text()


def question(asked: Unsubscription, accepted: str) -> HTMLResponse:
    """Whether somebody wants no more of it, with a button. `accepted` is the request's Accept-Language."""
    language = _language(accepted)
    words = WORDS[language]
    text = words.question.format(words.categories[asked.category])
    return _page(language, text, button=words.button)


def done(asked: Unsubscription, accepted: str) -> HTMLResponse:
    """That somebody gets no more of it."""
    language = _language(accepted)
    words = WORDS[language]
    return _page(language, words.done.format(words.categories[asked.category]))


def unusable(accepted: str) -> HTMLResponse:
    """That the link does not work."""
    language = _language(accepted)
    words = WORDS[language]
    return _page(language, words.unusable_title, detail=words.unusable, status=HTTPStatus.NOT_FOUND)


def malformed(accepted: str) -> HTMLResponse:
    """That what was posted asks for nothing."""
    language = _language(accepted)
    words = WORDS[language]
    return _page(language, words.unusable_title, detail=words.malformed, status=HTTPStatus.BAD_REQUEST)


def _page(
    language: str, title: str, *, detail: str = "", button: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HTMLResponse:
    template = _environment().get_template("page.html")
    shown = {"title": title, "detail": detail, "button": button, "field": FIELD, "value": VALUE}
    return HTMLResponse(template.render(language=language, **shown), status, _headers())


def _language(accepted: str) -> str:
    """What is preferred most, which browsers send first (RFC 9110, section 12.5.4)."""
    first = accepted.partition(",")[0].partition(";")[0].strip()
    return language_of(first or None)


def _headers() -> dict[str, str]:
    digest = base64.b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
