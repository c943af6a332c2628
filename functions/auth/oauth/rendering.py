"""Pages for people: Jinja2 with everything escaped, no scripts, and headers that keep others out of them.

Sources: RFC 9700 section 4.16 (framing), OWASP's cheat sheets on content security policies and clickjacking.
"""

import base64
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auth.oauth.authorizing import ConsentPage, SignInPage
from auth.oauth.redirects import origin_of
from auth.oauth.scopes import in_words

_PAGES = Path(__file__).parent / "pages"


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined)
    environment.globals["style"] = Markup(_style())  # noqa: S704 - our own file
    return environment


@cache
def _style() -> str:
    return (_PAGES / "style.css").read_text()


def sign_in(page: SignInPage) -> HTMLResponse:
    """The form for address and password."""
    status, headers = HTTPStatus.OK, _headers(origin_of(page.redirect_uri))
    if page.retry_after_seconds is not None:
        status = HTTPStatus.TOO_MANY_REQUESTS
        headers["retry-after"] = str(ceil(page.retry_after_seconds))
    elif page.refused is not None:
        status = HTTPStatus.FORBIDDEN  # 401 would ask for a header that browsers do not send
    return HTMLResponse(_environment().get_template("sign_in.html").render(page=page), status, headers)


def consent(page: ConsentPage) -> HTMLResponse:
    """What is asked for, in words, and the choice."""
    origin = origin_of(page.redirect_uri)
    allowed = [in_words(scope) for scope in page.scope]
    text = _environment().get_template("consent.html").render(page=page, allowed=allowed, origin=origin)
    return HTMLResponse(text, headers=_headers(origin))


def unusable(detail: str) -> HTMLResponse:
    """Why nobody is sent anywhere."""
    text = _environment().get_template("unusable.html").render(detail=detail)
    return HTMLResponse(text, HTTPStatus.BAD_REQUEST, _headers())


def _headers(*targets: str) -> dict[str, str]:
    """Headers of a page whose forms lead to us, and from there to these origins."""
    digest = base64.b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        " ".join(("form-action 'self'", *targets)),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
