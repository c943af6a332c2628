"""Second factors over HTTP, signing in with them, and proving anew who one is."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth.http import RecentlySignedIn, SignedIn, Where, never_stored
from auth.second_factors import wiring
from auth.second_factors.login import SecondFactorLogin
from auth.second_factors.passkeys import PasskeyService
from auth.second_factors.reauthentication import ReauthenticationService
from auth.second_factors.schemas import (
    ConfirmTotp,
    EnrolmentOut,
    NewPasskeyOut,
    PasskeyLogin,
    PasskeyOptions,
    PasskeyOut,
    Reauthenticate,
    RecoveryCodesOut,
    RegisterPasskey,
    SecondFactor,
    SecondFactorsOut,
)
from auth.second_factors.service import SecondFactorService
from auth.second_factors.totp import TotpService
from auth.sign_in.schemas import TokensOut
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/auth")

type SecondFactors = Annotated[SecondFactorService, Depends(wiring.second_factor_service)]
type Totps = Annotated[TotpService, Depends(wiring.totp_service)]
type Passkeys = Annotated[PasskeyService, Depends(wiring.passkey_service)]
type Login = Annotated[SecondFactorLogin, Depends(wiring.second_factor_login)]
type Reauthentication = Annotated[ReauthenticationService, Depends(wiring.reauthentication_service)]

_UNAVAILABLE = "A store that this needs does not answer, or no key signs tokens yet."
_BUSY = "Too many attempts for this account or from this address; see `Retry-After`."
_ANY = refusals(
    status_401="Nobody is signed in.", status_403="An API key has no second factors.", status_503=_UNAVAILABLE
)
_RECENT = _ANY | refusals(
    status_403="An API key has no second factors; or, with the type `reauthentication_required`, the caller proved "
    "more than ten minutes ago who they are: see `/reauthenticate`."
)
_LOGIN = refusals(
    status_401="The proof is not accepted, or the `mfa_token` is unknown, used, expired, or got five wrong answers.",
    status_403="The user is no member of the organization.",
    status_429=_BUSY,
    status_503=_UNAVAILABLE,
)


@router.get("/second-factors", responses=_ANY)
async def list_second_factors(person: SignedIn, service: SecondFactors) -> SecondFactorsOut:
    """List the caller's second factors."""
    return SecondFactorsOut.of(await service.overview(person))


@router.post("/recovery-codes", responses=_RECENT | refusals(status_409="The caller has no second factor."))
async def renew_recovery_codes(
    person: RecentlySignedIn, response: Response, service: SecondFactors
) -> RecoveryCodesOut:
    """Make ten new recovery codes. No earlier one is accepted any more."""
    never_stored(response)
    return RecoveryCodesOut(recovery_codes=await service.renew_recovery_codes(person))


@router.post("/totp", responses=_RECENT | refusals(status_409="There is an authenticator app already."))
async def enrol_totp(person: RecentlySignedIn, response: Response, service: Totps) -> EnrolmentOut:
    """Begin to add an authenticator app; it is a second factor once it is confirmed, within ten minutes."""
    never_stored(response)
    return EnrolmentOut.of(await service.enrol(person))


@router.post(
    "/totp/confirm",
    responses=_RECENT
    | refusals(
        status_400="The code is not the one that the app shows now.",
        status_409="No app waits to be confirmed, or there is one already.",
    ),
)
async def confirm_totp(
    body: ConfirmTotp, person: RecentlySignedIn, response: Response, service: Totps
) -> RecoveryCodesOut:
    """Make an authenticator app a second factor, with a code that it shows. Answers recovery codes, once."""
    never_stored(response)
    return RecoveryCodesOut(recovery_codes=await service.confirm(person, body.code))


@router.delete(
    "/totp",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_RECENT | refusals(status_404="There is no authenticator app."),
)
async def remove_totp(person: RecentlySignedIn, service: Totps) -> Response:
    """Remove the authenticator app. Recovery codes go with the last second factor."""
    await service.remove(person)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/passkeys/options", responses=_RECENT | refusals(status_409="There are twenty passkeys already."))
async def passkey_options(person: RecentlySignedIn, response: Response, service: Passkeys) -> PasskeyOptions:
    """Ask for what a browser needs to make a passkey. It works for five minutes, once."""
    never_stored(response)
    return PasskeyOptions(options=await service.options(person))


@router.post(
    "/passkeys",
    status_code=HTTPStatus.CREATED,
    responses=_RECENT
    | refusals(
        status_400="The passkey is not accepted: ask for new options.",
        status_409="This passkey is registered already, or there are twenty.",
    ),
)
async def register_passkey(
    body: RegisterPasskey, person: RecentlySignedIn, response: Response, service: Passkeys
) -> NewPasskeyOut:
    """Add a passkey, which is a second factor and signs in alone. Answers recovery codes with the first factor."""
    never_stored(response)
    passkey, codes = await service.add(person, name=body.name, attestation=body.credential)
    return NewPasskeyOut(passkey=PasskeyOut.of(passkey), recovery_codes=codes)


@router.delete(
    "/passkeys/{passkey_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_RECENT | refusals(status_404="The caller has no passkey with this id."),
)
async def remove_passkey(passkey_id: UUID, person: RecentlySignedIn, service: Passkeys) -> Response:
    """Remove a passkey. Recovery codes go with the last second factor."""
    await service.remove(person, passkey_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/login/second-factor", dependencies=[Depends(public)], responses=_LOGIN)
async def login_with_second_factor(body: SecondFactor, response: Response, service: Login, where: Where) -> TokensOut:
    """Finish signing in, with the `mfa_token` that login answered. The fifth wrong answer ends it."""
    never_stored(response)
    return TokensOut.of(await service.answer(body.mfa_token, body.proof, origin=where))


@router.post(
    "/passkeys/login/options",
    dependencies=[Depends(public)],
    responses=refusals(status_429=_BUSY, status_503=_UNAVAILABLE),
)
async def passkey_login_options(response: Response, service: Login, where: Where) -> PasskeyOptions:
    """Ask for what a browser needs to use a passkey, whosever it is. It works for five minutes, once."""
    never_stored(response)
    return PasskeyOptions(options=await service.passkey_options(origin=where))


@router.post("/passkeys/login", dependencies=[Depends(public)], responses=_LOGIN)
async def login_with_passkey(body: PasskeyLogin, response: Response, service: Login, where: Where) -> TokensOut:
    """Sign in with a passkey alone: it is two factors in one."""
    never_stored(response)
    return TokensOut.of(await service.with_passkey(body.credential, org_id=body.org_id, origin=where))


@router.post(
    "/reauthenticate",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(
        status_401="Nobody is signed in; the proof is not accepted; or, with the type `password_not_enough`, the "
        "caller has a second factor to show.",
        status_403="An API key is no person.",
        status_429=_BUSY,
        status_503=_UNAVAILABLE,
    ),
)
async def reauthenticate(body: Reauthenticate, person: SignedIn, service: Reauthentication, where: Where) -> Response:
    """Prove anew who one is, with a second factor, or with the password by whoever has none.

    For ten minutes this session may then do what a stolen token must not be enough for.
    """
    await service.reauthenticate(person, body.proof, origin=where)
    return Response(status_code=HTTPStatus.NO_CONTENT)
