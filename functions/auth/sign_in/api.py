"""Signing in and out over HTTP, and the keys that verify what it gives."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from auth.http import SignedIn, Where, never_stored
from auth.sign_in import wiring
from auth.sign_in.schemas import KeySet, Login, Logout, Refresh, SessionOut, SessionsOut, TokensOut
from auth.sign_in.service import SignInService
from auth.sign_in.signing_keys import SigningKeyService
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter()

type SignIn = Annotated[SignInService, Depends(wiring.sign_in_service)]
type SigningKeys = Annotated[SigningKeyService, Depends(wiring.signing_key_service)]


_UNAVAILABLE = "A store that this needs does not answer, or no key signs tokens yet."


@router.post(
    "/api/v1/auth/login",
    dependencies=[Depends(public)],
    responses=refusals(
        status_401="The address or the password is wrong; or, with the type `second_factor_required` and the members "
        "`mfa_token` and `methods`, the person has a second factor to show at `/login/second-factor`.",
        status_403="The user is no member of the organization.",
        status_429="Too many attempts for this account or from this address; see `Retry-After`.",
        status_503=_UNAVAILABLE,
    ),
)
async def login(body: Login, response: Response, service: SignIn, where: Where) -> TokensOut:
    """Sign in with e-mail address and password.

    After five failures in a row an account waits, twice as long each time, a quarter of an hour at most. Whether an
    address has an account cannot be told from any answer. Somebody with a second factor is asked for it (401), and has
    five minutes and five answers.
    """
    never_stored(response)
    return TokensOut.of(await service.login(body.email, body.password, org_id=body.org_id, origin=where))


@router.post(
    "/api/v1/auth/refresh",
    dependencies=[Depends(public)],
    responses=refusals(
        status_401="The token is unknown, used up or expired, or its session has ended.",
        status_403="The user is no member of the organization.",
        status_503=_UNAVAILABLE,
    ),
)
async def refresh(body: Refresh, response: Response, service: SignIn, where: Where) -> TokensOut:
    """Get a new pair for a refresh token, and use it up.

    For ten seconds the same token gets the same successor, so that a lost answer may be asked for again. Later its
    use ends the session: somebody else has the token too.
    """
    never_stored(response)
    return TokensOut.of(await service.refresh(body.refresh_token, org_id=body.org_id, origin=where))


@router.post(
    "/api/v1/auth/logout",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(status_401="Nobody is signed in.", status_403="An API key has no sessions."),
)
async def logout(person: SignedIn, service: SignIn, body: Logout | None = None) -> Response:
    """End this session, the others, or all. Safe to repeat.

    Refresh tokens are refused at once; access tokens once API Gateway asks the authorizer again (a minute).
    """
    await service.logout(person, (body or Logout()).sessions)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/api/v1/auth/sessions",
    responses=refusals(status_401="Nobody is signed in.", status_403="An API key has no sessions."),
)
async def list_sessions(person: SignedIn, service: SignIn) -> SessionsOut:
    """List where the caller is signed in."""
    sessions = await service.sessions(person)
    return SessionsOut(data=[SessionOut.of(session, current=person.session_id) for session in sessions])


@router.delete(
    "/api/v1/auth/sessions/{session_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(
        status_401="Nobody is signed in.",
        status_403="An API key has no sessions.",
        status_404="The caller has no live session with this id.",
    ),
)
async def end_session(session_id: UUID, person: SignedIn, service: SignIn) -> Response:
    """End one of the caller's sessions."""
    await service.end(person, session_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/.well-known/jwks.json", dependencies=[Depends(public)])
async def key_set(response: Response, service: SigningKeys) -> KeySet:
    """Publish the keys that verify access tokens (RFC 7517). A key is here for a day before it signs."""
    response.headers["cache-control"] = "public, max-age=300"
    return KeySet(keys=[dict(key.public_key) for key in await service.key_set()])
