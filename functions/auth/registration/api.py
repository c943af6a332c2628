"""Registering over HTTP, and changing and resetting passwords."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from auth.http import SignedIn, Where
from auth.registration import wiring
from auth.registration.password_changes import PasswordService
from auth.registration.schemas import (
    Accepted,
    AddressOnly,
    ChangePassword,
    NewAccountOut,
    Register,
    ResetPassword,
    VerifyEmail,
)
from auth.registration.service import RegistrationService
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/auth")

type Registrations = Annotated[RegistrationService, Depends(wiring.registration_service)]
type Passwords = Annotated[PasswordService, Depends(wiring.password_service)]

_BUSY = "Too many requests from this address of the network; see `Retry-After`."
_UNAVAILABLE = "A store that this needs does not answer."


@router.post(
    "/register",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(public)],
    responses=refusals(status_400="The password is easily guessed.", status_429=_BUSY, status_503=_UNAVAILABLE),
)
async def register(body: Register, service: Registrations, where: Where) -> Accepted:
    """Ask for an account. A link is mailed to the address; following it makes the account.

    The answer is the same for an address that has an account: its owner is told by mail. An address gets five mails an
    hour at most.
    """
    await service.register(
        email=body.email, password=body.password, name=body.name, organization=body.organization, origin=where
    )
    return Accepted()


@router.post(
    "/verify-email",
    status_code=HTTPStatus.CREATED,
    dependencies=[Depends(public)],
    responses=refusals(status_400="The token is unknown, used or expired.", status_503=_UNAVAILABLE),
)
async def verify_email(body: VerifyEmail, service: Registrations) -> NewAccountOut:
    """Make the account that a mailed link stands for: a user who owns a new organization. Signs nobody in."""
    return NewAccountOut.of(await service.verify(body.token))


@router.post(
    "/resend-verification",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(public)],
    responses=refusals(status_429=_BUSY, status_503=_UNAVAILABLE),
)
async def resend_verification(body: AddressOnly, service: Registrations, where: Where) -> Accepted:
    """Have the mail of the newest registration sent again, with a new link. Answers the same for every address."""
    await service.resend(body.email, origin=where)
    return Accepted()


@router.post(
    "/forgot-password",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(public)],
    responses=refusals(status_429=_BUSY, status_503=_UNAVAILABLE),
)
async def forgot_password(body: AddressOnly, service: Passwords, where: Where) -> Accepted:
    """Have a link mailed that resets the password; it works for half an hour, once. Always answers the same."""
    await service.forgot(body.email, origin=where)
    return Accepted()


@router.post(
    "/reset-password",
    status_code=HTTPStatus.NO_CONTENT,
    dependencies=[Depends(public)],
    responses=refusals(
        status_400="The token is unknown, used or expired, or the password is easily guessed.",
        status_503=_UNAVAILABLE,
    ),
)
async def reset_password(body: ResetPassword, service: Passwords) -> Response:
    """Set a new password with a mailed token. Ends every session, lifts a delay of the account, and signs nobody in."""
    await service.reset(body.token, body.password)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/change-password",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(
        status_400="The new password is easily guessed.",
        status_401="Nobody is signed in, or the current password is wrong.",
        status_403="An API key has no password.",
        status_429="Too many attempts; see `Retry-After`.",
        status_503=_UNAVAILABLE,
    ),
)
async def change_password(body: ChangePassword, person: SignedIn, service: Passwords, where: Where) -> Response:
    """Set a new password, knowing the current one. Ends every other session."""
    await service.change(person, current=body.current_password, new=body.new_password, origin=where)
    return Response(status_code=HTTPStatus.NO_CONTENT)
