"""The pages over HTTP. A link changes nothing: programs that look for viruses follow it before its reader does."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse

from auth.mailed_links import wiring
from auth.mailed_links.links import IncompleteLink, invitation_in, token_in
from auth.mailed_links.rendering import Pages
from auth.oauth.answers import form_of, takes_form
from auth.oauth.models import InvalidRequest
from auth.one_time_tokens import InvalidToken
from auth.organizations import wiring as organizations
from auth.organizations.members import MemberService
from auth.registration import wiring as registration
from auth.registration.models import PasswordRefused
from auth.registration.password_changes import PasswordService
from auth.registration.service import RegistrationService
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter(dependencies=[Depends(public)])

_PAGE: Final[dict[str, Any]] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_EXPLAINED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A page for a person.", **_PAGE},
    400: {"description": "A page: the link is not complete.", **_PAGE},
}
_CHECKED: Final[dict[int | str, dict[str, Any]]] = {
    **_EXPLAINED,
    404: {"description": "A page: the token is unknown, used or expired, and how to get another one.", **_PAGE},
    **refusals(status_503="A store that this needs does not answer."),
}
_REFUSED: Final = {"description": "A page: the link is not complete, or the password may not be chosen.", **_PAGE}
_FIELDS: Final = {"token": "The token of the mail."}
_PASSWORDS: Final = {"password": "The password to have from now on.", "password_again": "The same once more."}


async def pages(
    api_url: Annotated[str, Depends(wiring.api_url)],
    accepted: Annotated[str, Header(alias="Accept-Language", description="`en`, `de` or `fr`.")] = "",
) -> Pages:
    """The pages in the language of whoever asks."""
    return Pages(accepted=accepted, api_url=api_url)


type Shown = Annotated[Pages, Depends(pages)]
type Token = Annotated[str, Query(description="The token of the mail.")]
type Registrations = Annotated[RegistrationService, Depends(registration.registration_service)]
type Members = Annotated[MemberService, Depends(organizations.member_service)]
type Passwords = Annotated[PasswordService, Depends(registration.password_service)]


@router.head("/verify-email", include_in_schema=False)
@router.get("/verify-email", response_class=HTMLResponse, responses=_CHECKED)
async def ask_to_verify(service: Registrations, shown: Shown, token: Token = "") -> HTMLResponse:
    """Ask whoever follows the link of a registration whether the account is to be opened. Nothing changes."""
    try:
        asked = await service.asked(token_in(token))
    except IncompleteLink:
        return shown.incomplete()
    except InvalidToken:
        return shown.verification_over()
    return shown.verify(token, asked.email)


@router.post(
    "/verify-email",
    response_class=HTMLResponse,
    responses=_CHECKED,
    openapi_extra=takes_form(_FIELDS, required=["token"]),
)
async def verify(request: Request, service: Registrations, shown: Shown) -> HTMLResponse:
    """Make the account that a mailed link stands for. Signs nobody in, and sets no cookie."""
    try:
        await service.verify(token_in((await form_of(request)).need("token")))
    except (InvalidRequest, IncompleteLink):
        return shown.incomplete()
    except InvalidToken:
        return shown.verification_over()
    return shown.verified()


@router.head("/reset-password", include_in_schema=False)
@router.get("/reset-password", response_class=HTMLResponse, responses=_CHECKED)
async def ask_for_a_password(service: Passwords, shown: Shown, token: Token = "") -> HTMLResponse:
    """Ask whoever follows the link of a forgotten password for another one. Nothing changes."""
    try:
        await service.asked(token_in(token))
    except IncompleteLink:
        return shown.incomplete()
    except InvalidToken:
        return shown.reset_over()
    return shown.reset(token)


@router.post(
    "/reset-password",
    response_class=HTMLResponse,
    responses={**_CHECKED, 400: _REFUSED},
    openapi_extra=takes_form(_FIELDS | _PASSWORDS, required=["token", *_PASSWORDS]),
)
async def reset(request: Request, service: Passwords, shown: Shown) -> HTMLResponse:
    """Set a new password with a mailed token. Ends every session, signs nobody in, and sets no cookie.

    A password that is refused does not use the token up.
    """
    try:
        form = await form_of(request)
        token, password = token_in(form.need("token")), form.get("password") or ""
        if password != (form.get("password_again") or ""):
            await service.asked(token)
            return shown.reset_differs(token)
        await service.reset(token, password)
    except (InvalidRequest, IncompleteLink):
        return shown.incomplete()
    except InvalidToken:
        return shown.reset_over()
    except PasswordRefused as error:
        return shown.reset_refused(token, error.fault)
    return shown.changed()


@router.head("/confirm-email", include_in_schema=False)
@router.get("/confirm-email", response_class=HTMLResponse, responses=_EXPLAINED)
async def explain_confirming(shown: Shown, token: Token = "") -> HTMLResponse:
    """Explain how to give one's account the address that a link was mailed to: that takes somebody who is signed in.

    Whether the token is worth something is not looked at.
    """
    try:
        return shown.confirm(token_in(token))
    except IncompleteLink:
        return shown.incomplete()


@router.head("/invitations", include_in_schema=False)
@router.get("/invitations", response_class=HTMLResponse, responses=_CHECKED)
async def explain_joining(service: Members, shown: Shown, token: Token = "") -> HTMLResponse:
    """Explain how to join an organization with the token of an invitation: that takes somebody who is signed in."""
    try:
        link = invitation_in(token)
        invitation = await service.invited(link.org_id, link.token)
    except IncompleteLink:
        return shown.incomplete()
    except InvalidToken:
        return shown.invitation_over()
    return shown.join(link, invitation.email)
