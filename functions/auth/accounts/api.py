"""Oneself over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from auth.accounts import wiring
from auth.accounts.closing import ClosingService
from auth.accounts.email_changes import EmailService
from auth.accounts.profile import ProfileService
from auth.accounts.schemas import ChangeEmail, ConfirmEmail, MeOut, Rename, UserOut
from auth.http import RecentlySignedIn, SignedIn, Where, recently_signed_in
from auth.registration.schemas import Accepted
from llmo_auth.guard import AllowedIn, identified
from llmo_auth.principal import Permission, Person, Principal
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/me")
closing = APIRouter(prefix="/api/v1/orgs")

type Profiles = Annotated[ProfileService, Depends(wiring.profile_service)]
type Anybody = Annotated[Principal | Person, Depends(identified)]

type Closings = Annotated[ClosingService, Depends(wiring.closing_service)]
type Emails = Annotated[EmailService, Depends(wiring.email_service)]
type OrgWriter = Annotated[Principal, Depends(AllowedIn(Permission.ORG_WRITE))]

_NOT_RECENT = "An API key is no person, and a person must have signed in within ten minutes (`/reauthenticate`)."


@router.get("")
async def who_am_i(caller: Anybody, service: Profiles) -> MeOut:
    """Say who the caller is, and what it may do."""
    return MeOut.of(caller, await service.who(caller))


@router.patch("", responses=refusals(status_403="An API key is no person."))
async def rename(body: Rename, person: SignedIn, service: Profiles) -> UserOut:
    """Change what one is called."""
    return UserOut.of(await service.rename(person, body.name))


@router.post(
    "/email",
    status_code=HTTPStatus.ACCEPTED,
    responses=refusals(status_403=_NOT_RECENT, status_429="Too many mails."),
)
async def ask_for_another_email(body: ChangeEmail, person: RecentlySignedIn, service: Emails, where: Where) -> Accepted:
    """Have a link mailed to another address of one's own. The answer is the same for every address."""
    await service.ask(person, body.email, origin=where)
    return Accepted()


@router.post(
    "/email/confirm",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(
        status_400="The token is unknown, expired, used, or another account's.",
        status_403="An API key is no person.",
        status_409="Somebody else has an account with the address by now.",
    ),
)
async def confirm_email(body: ConfirmEmail, person: SignedIn, service: Emails) -> Response:
    """Give the account the address that the token was mailed to, and end its other sessions."""
    await service.confirm(person, body.token)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.delete(
    "",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(
        status_403=_NOT_RECENT,
        status_409="The caller is the last owner of an organization that others are in.",
    ),
)
async def delete_account(person: RecentlySignedIn, service: Closings) -> Response:
    """Delete one's account for good, and the organizations that nobody else is in."""
    await service.delete(person)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@closing.delete(
    "/{org_id}",
    status_code=HTTPStatus.NO_CONTENT,
    dependencies=[Depends(recently_signed_in)],
    responses=refusals(
        status_403=f"The caller lacks the permission `org:write`. {_NOT_RECENT}",
        status_404="The credentials are for another organization.",
    ),
)
async def close_organization(principal: OrgWriter, service: Closings) -> Response:
    """Close the organization for good: its members, tokens and keys get in no more."""
    await service.close(principal)
    return Response(status_code=HTTPStatus.NO_CONTENT)
