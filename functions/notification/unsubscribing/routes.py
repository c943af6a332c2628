"""Unsubscribing over HTTP. A link is opened by people, and posted to by mail programs (RFC 8058)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import HTMLResponse

from llmo_auth.guard import public
from llmo_core.http.body_limits import limited
from notification.unsubscribing import rendering, wiring
from notification.unsubscribing.forms import FIELD, VALUE, asks_to_unsubscribe
from notification.unsubscribing.service import UnsubscribeService
from notification.unsubscribing.tokens import UnusableLink

_MOST_BYTES: Final = 8192

router = APIRouter(prefix="/unsubscribe", dependencies=[Depends(public)], route_class=limited(_MOST_BYTES))

type Unsubscribing = Annotated[UnsubscribeService, Depends(wiring.unsubscribe_service)]
type Accepted = Annotated[str, Header(alias="Accept-Language", description="`en`, `de` or `fr`.")]

_PAGE: Final[dict[str, Any]] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A page for a person.", **_PAGE},
    404: {"description": "A page: the link is too old, or not one of ours.", **_PAGE},
}
_MALFORMED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": f"A page: the body does not say `{FIELD}={VALUE}`.", **_PAGE}
}
_SCHEMA: Final = {"type": "object", "properties": {FIELD: {"type": "string", "const": VALUE}}, "required": [FIELD]}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": _SCHEMA} for kind in ("application/x-www-form-urlencoded", "multipart/form-data")},
    }
}


@router.head("/{token}", include_in_schema=False)
@router.get("/{token}", response_class=HTMLResponse, responses=_ANSWERS)
async def ask(token: str, service: Unsubscribing, accepted: Accepted = "") -> HTMLResponse:
    """Ask a person whether they want no more e-mail of a category. Nothing changes: programs open links, too."""
    try:
        return rendering.question(service.asked(token), accepted)
    except UnusableLink:
        return rendering.unusable(accepted)


@router.post("/{token}", response_class=HTMLResponse, responses=_ANSWERS | _MALFORMED, openapi_extra=_FORM)
async def unsubscribe(token: str, request: Request, service: Unsubscribing, accepted: Accepted = "") -> HTMLResponse:
    """End e-mail of a category (RFC 8058): for the account that got the mail, or else for its address.

    Nobody has to sign in, and no cookie is looked at. Doing it again changes nothing more.
    """
    if not asks_to_unsubscribe(request.headers.get("content-type", ""), await request.body()):
        return rendering.malformed(accepted)
    try:
        return rendering.done(await service.unsubscribe(token), accepted)
    except UnusableLink:
        return rendering.unusable(accepted)
