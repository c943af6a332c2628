"""The pages on which a person decides about an application."""

from http import HTTPStatus
from math import ceil
from pathlib import Path

from fastapi.responses import HTMLResponse

from auth.oauth.authorizing import ConsentPage, SignInPage
from auth.oauth.redirects import origin_of
from auth.oauth.scopes import in_words
from auth.pages import templates

_PAGES = Path(__file__).parent / "pages"


def sign_in(page: SignInPage) -> HTMLResponse:
    """The form for address and password."""
    status, headers = HTTPStatus.OK, templates.headers(origin_of(page.redirect_uri))
    if page.retry_after_seconds is not None:
        status = HTTPStatus.TOO_MANY_REQUESTS
        headers["retry-after"] = str(ceil(page.retry_after_seconds))
    elif page.refused is not None:
        status = HTTPStatus.FORBIDDEN  # 401 would ask for a header that browsers do not send
    return HTMLResponse(_text("sign_in.html", page=page), status, headers)


def consent(page: ConsentPage) -> HTMLResponse:
    """What is asked for, in words, and the choice."""
    origin = origin_of(page.redirect_uri)
    text = _text("consent.html", page=page, allowed=[in_words(scope) for scope in page.scope], origin=origin)
    return HTMLResponse(text, headers=templates.headers(origin))


def unusable(detail: str) -> HTMLResponse:
    """Why nobody is sent anywhere."""
    return HTMLResponse(_text("unusable.html", detail=detail), HTTPStatus.BAD_REQUEST, templates.headers())


def _text(template: str, **shown: object) -> str:
    return templates.environment(_PAGES).get_template(template).render(shown)
