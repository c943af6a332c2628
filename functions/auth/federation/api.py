"""Signing in with identity providers over HTTP, and the caller's identities there."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from auth.federation import wiring
from auth.federation.own import IdentityService
from auth.federation.schemas import (
    LONGEST_CODE,
    VISIBLE,
    BegunOut,
    FederatedLogin,
    IdentitiesOut,
    IdentityOut,
    LinkIdentity,
    ProviderOut,
    ProvidersOut,
    RedirectOut,
    StartLinking,
)
from auth.federation.service import FederatedSignIn, ProviderList
from auth.http import RecentlySignedIn, SignedIn, Where, never_stored
from auth.sign_in.schemas import TokensOut
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals

router = APIRouter(prefix="/api/v1/auth")

type Providers = Annotated[ProviderList, Depends(wiring.provider_list)]
type SignIn = Annotated[FederatedSignIn, Depends(wiring.federated_sign_in)]
type Identities = Annotated[IdentityService, Depends(wiring.identity_service)]
type Provider = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[!-~]+$")]
# RFC 6749, appendix A: visible ASCII. Together they fit into a request's line, however much of them is escaped.
type Code = Annotated[str | None, Query(max_length=LONGEST_CODE, pattern=VISIBLE)]
type Issuer = Annotated[str | None, Query(max_length=500, pattern=VISIBLE)]
type Short = Annotated[str | None, Query(max_length=100, pattern=VISIBLE)]

_UNAVAILABLE = "A store that this needs does not answer, or the identity provider does not, or no key signs tokens yet."
_BUSY = "Too many attempts from this address of the network; see `Retry-After`."
_UNKNOWN = "There is no such identity provider."
_FLOW = "The `flow_token` and the `state` are not of one sign-in that was begun here, or it is over."
_ANY = refusals(status_401="Nobody is signed in.", status_403="An API key is no person.", status_503=_UNAVAILABLE)
_RECENT = _ANY | refusals(
    status_403="An API key is no person; or, with the type `reauthentication_required`, the caller proved more than "
    "ten minutes ago who they are: see `/reauthenticate`."
)


@router.get(
    "/providers",
    dependencies=[Depends(public)],
    responses=refusals(status_503="The configuration of identity providers cannot be read."),
)
async def list_providers(service: Providers) -> ProvidersOut:
    """List where people may sign in besides here."""
    return ProvidersOut(data=[ProviderOut.of(provider) for provider in service.all()])


@router.post(
    "/federated/{provider}/start",
    dependencies=[Depends(public)],
    responses=refusals(status_404=_UNKNOWN, status_429=_BUSY, status_503=_UNAVAILABLE),
)
async def start_federated(provider: Provider, response: Response, service: SignIn, where: Where) -> BegunOut:
    """Begin to sign in with an identity provider. It has to be finished within ten minutes, by the same client."""
    never_stored(response)
    return BegunOut.of(await service.start(provider, origin=where))


@router.get("/federated/{provider}/callback", dependencies=[Depends(public)])
async def show_redirect(
    provider: Provider,  # noqa: ARG001 - the provider is told apart by the URI that it redirects to
    response: Response,
    code: Code = None,
    state: Short = None,
    iss: Issuer = None,
    error: Short = None,
) -> RedirectOut:
    """Show what a provider's redirect brought, for the client that began to send it on. Nothing is done with it."""
    never_stored(response)
    response.headers["referrer-policy"] = "no-referrer"
    return RedirectOut(code=code, state=state, iss=iss, error=error)


@router.post(
    "/federated/{provider}/callback",
    dependencies=[Depends(public)],
    responses=refusals(
        status_400=_FLOW,
        status_401="The provider does not confirm who this is; or, with the type `second_factor_required` and the "
        "members `mfa_token` and `methods`, the person has a second factor to show at `/login/second-factor`.",
        status_403="The provider does not vouch for an e-mail address, or the user is no member of the organization.",
        status_404=_UNKNOWN,
        status_409="There is an account with the address: sign in to it, and link the identity there.",
        status_429=_BUSY,
        status_503=_UNAVAILABLE,
    ),
)
async def sign_in_federated(
    provider: Provider, body: FederatedLogin, response: Response, service: SignIn, where: Where
) -> TokensOut:
    """Finish signing in with an identity provider; once for each start, however it ends.

    An identity that is not known gets an account, if the provider vouches for its e-mail address and it is new here.
    """
    never_stored(response)
    return TokensOut.of(await service.sign_in(provider, body.answer(), org_id=body.org_id, origin=where))


@router.get("/identities", responses=_ANY)
async def list_identities(person: SignedIn, service: Identities) -> IdentitiesOut:
    """List the identities that sign in to the caller's account."""
    return IdentitiesOut(data=[IdentityOut.of(identity) for identity in await service.all(person)])


@router.post("/identities/start", responses=_RECENT | refusals(status_404=_UNKNOWN, status_429=_BUSY))
async def start_linking(
    body: StartLinking, person: RecentlySignedIn, response: Response, service: Identities, where: Where
) -> BegunOut:
    """Begin to link an identity. Only the caller can finish it, within ten minutes."""
    never_stored(response)
    return BegunOut.of(await service.start(person, body.provider, origin=where))


@router.post(
    "/identities",
    status_code=HTTPStatus.CREATED,
    responses=_RECENT
    | refusals(
        status_400=_FLOW,
        status_401="Nobody is signed in, or the provider does not confirm who this is.",
        status_404=_UNKNOWN,
        status_409="The identity is linked to an account already.",
        status_429=_BUSY,
    ),
)
async def link_identity(body: LinkIdentity, person: RecentlySignedIn, service: Identities, where: Where) -> IdentityOut:
    """Let an identity sign in to the caller's account, whatever its e-mail address is."""
    return IdentityOut.of(await service.link(person, body.provider, body.answer(), origin=where))


@router.delete(
    "/identities/{identity_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_RECENT
    | refusals(
        status_404="The caller has no identity with this id.",
        status_409="Without it somebody who has no password could not sign in.",
    ),
)
async def remove_identity(identity_id: UUID, person: RecentlySignedIn, service: Identities) -> Response:
    """Let an identity sign in no more. Sessions that it started go on."""
    await service.remove(person, identity_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
