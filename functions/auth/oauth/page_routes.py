"""The pages on which a person decides about an application, over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from auth.fields import Email
from auth.http import Where
from auth.oauth import rendering, wiring
from auth.oauth.answers import form_of, takes_form
from auth.oauth.authorizing import AuthorizationService, ConsentPage, Redirect, SignInPage
from auth.oauth.models import REQUEST_LIFE, InvalidRequest, UnusableRequest
from auth.oauth.parameters import Parameters
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/oauth2", dependencies=[Depends(public)])

type Authorizing = Annotated[AuthorizationService, Depends(wiring.authorization_service)]
type Issuer = Annotated[str, Depends(wiring.issuer)]

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_LONGEST_PASSWORD = 1024
_LONGEST_CODE = 100
_PAGE: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page for a person.", **_PAGE},
    400: {"description": "A page: the person is sent nowhere.", **_PAGE},
}
_UNAVAILABLE = refusals(status_503="A store that this needs does not answer.")
_PARAMETERS = {
    "client_id": "The application.",
    "redirect_uri": "Where the answer goes: an address that it registered, to the letter.",
    "response_type": "`code`",
    "code_challenge": "Made of a `code_verifier` with S256 (RFC 7636).",
    "code_challenge_method": "`S256`",
    "scope": "What is asked for; what the application was registered for, if left out.",
    "state": "Comes back with the answer.",
    "nonce": "Comes back in the id token.",
    "prompt": "`none` is refused: nobody is remembered. The others are what is done anyway.",
}
_NEEDED = {"client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method"}


@router.get(
    "/authorize",
    response_class=HTMLResponse,
    responses={**_ANSWERS, **_UNAVAILABLE, 302: {"description": "Back to the application, with a refusal."}},
    openapi_extra={
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in _NEEDED,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _PARAMETERS.items()
        ]
    },
)
async def authorize(request: Request, service: Authorizing, issuer: Issuer) -> Response:
    """Ask a person whether an application may act for them (RFC 6749, section 4.1). It is sent back with a code."""
    try:
        answer = await service.begin(Parameters.parse(request.url.query.encode()))
    except (UnusableRequest, InvalidRequest) as error:
        return rendering.unusable(error.detail)
    return _redirect(answer, HTTPStatus.FOUND) if isinstance(answer, Redirect) else _page(answer, issuer)


@router.post(
    "/authorize",
    response_class=HTMLResponse,
    responses={
        **_ANSWERS,
        **_UNAVAILABLE,
        303: {"description": "Back to the application, with a code or a refusal."},
        403: {"description": "A page: address, password or code were wrong.", **_PAGE},
        429: {"description": "A page: there were too many attempts; see `Retry-After`.", **_PAGE},
    },
    openapi_extra=takes_form(
        {
            "form": "What the page's form has in it.",
            "decision": "`sign_in`, `allow` or `deny`.",
            "email": "Whose account it is.",
            "password": "Its password.",
            "code": "Of whoever has a second factor: what the authenticator app shows, or a recovery code.",
            "org_id": "The organization that the application may act in.",
        },
        required=["form", "decision"],
    ),
)
async def decide(request: Request, service: Authorizing, issuer: Issuer, where: Where) -> Response:
    """Take what a person filled in on one of the pages."""
    cookie = request.cookies.get(_cookie_name(issuer), "")
    try:
        form = await form_of(request)
        token = form.need("form")
        answer: SignInPage | ConsentPage | Redirect
        match form.need("decision"):
            case "sign_in":
                email, password = _credentials(form)
                code = (form.get("code") or "").strip()[:_LONGEST_CODE] or None
                answer = await service.sign_in(cookie, token, email=email, password=password, code=code, origin=where)
            case "allow":
                answer = await service.allow(cookie, token, org_id=form.identifier("org_id"))
            case _:
                answer = await service.deny(cookie, token)
    except (UnusableRequest, InvalidRequest) as error:
        return rendering.unusable(error.detail)
    if not isinstance(answer, Redirect):
        return _page(answer, issuer)
    response = _redirect(answer, HTTPStatus.SEE_OTHER)
    response.delete_cookie(_cookie_name(issuer), **_cookie_kind(issuer))
    return response


def _redirect(answer: Redirect, status: HTTPStatus) -> Response:
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return RedirectResponse(answer.location, status, headers)


def _page(answer: SignInPage | ConsentPage, issuer: str) -> Response:
    response = rendering.sign_in(answer) if isinstance(answer, SignInPage) else rendering.consent(answer)
    if answer.cookie is not None:
        age = int(REQUEST_LIFE.total_seconds())
        response.set_cookie(_cookie_name(issuer), answer.cookie, max_age=age, **_cookie_kind(issuer))
    return response


def _cookie_name(issuer: str) -> str:
    """Browsers take a `__Host-` cookie from this host over https only; a laptop's address has no https."""
    return "__Host-llmo-authorize" if issuer.startswith("https:") else "llmo-authorize"


def _cookie_kind(issuer: str) -> dict[str, Any]:
    return {"path": "/", "secure": issuer.startswith("https:"), "httponly": True, "samesite": "lax"}


def _credentials(form: Parameters) -> tuple[str | None, str | None]:
    """What was filled in; None for what is no address, or longer than any password."""
    password = form.get("password")
    try:
        email = _EMAIL.validate_python(form.get("email"))
    except ValidationError:
        email = None
    return email, password if password is not None and len(password) <= _LONGEST_PASSWORD else None
