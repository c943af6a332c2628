"""Where clients get tokens, ask what they are worth, and give them back."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth.http import Where
from auth.oauth import wiring
from auth.oauth.account_tokens import AccountTokenService
from auth.oauth.answers import credentials_of, form_of, refusals, takes_form
from auth.oauth.asking import check_targets, targets
from auth.oauth.client_authentication import ClientAuthentication
from auth.oauth.granting import GrantService
from auth.oauth.inspection import InspectionService
from auth.oauth.models import Party, Tokens, UnsupportedGrantType
from auth.oauth.parameters import Parameters
from auth.oauth.schemas import GrantedTokensOut, TokenFactsOut
from auth.oauth.scopes import asked_for
from llmo_auth.guard import public
from llmo_core.http.documentation import refusals as problems

router = APIRouter(prefix="/oauth2", dependencies=[Depends(public)])

type Form = Annotated[Parameters, Depends(form_of)]
type Grants = Annotated[GrantService, Depends(wiring.grant_service)]
type AccountTokens = Annotated[AccountTokenService, Depends(wiring.account_token_service)]
type Issuer = Annotated[str, Depends(wiring.issuer)]
type Inspection = Annotated[InspectionService, Depends(wiring.inspection_service)]

_UNKNOWN_CLIENT = "There is no such client, or its secret is wrong."
_UNAVAILABLE = problems(status_503="A store that this needs does not answer, or no key signs tokens yet.")
_TOKEN = {"token": "An access token or a refresh token."}
_CLIENT = {
    "client_id": "The client, if it does not come in the header (HTTP Basic).",
    "client_secret": "Its secret, likewise; a public client has none.",
}


async def _party(
    request: Request,
    form: Form,
    authentication: Annotated[ClientAuthentication, Depends(wiring.client_authentication)],
) -> Party:
    """Who asks. Raises InvalidClient, InvalidRequest."""
    client_id, secret = credentials_of(request, form)
    return await authentication.authenticate(client_id, secret)


type Client = Annotated[Party, Depends(_party)]


@router.post(
    "/token",
    response_model_exclude_none=True,
    responses=_UNAVAILABLE
    | refusals(status_400="What RFC 6749 (section 5.2) and RFC 8707 name.", status_401=_UNKNOWN_CLIENT),
    openapi_extra=takes_form(
        {
            "grant_type": "`authorization_code`, `refresh_token`, or a service account's `client_credentials`.",
            "code": "The code.",
            "redirect_uri": "Where the code was sent, as it was asked for.",
            "code_verifier": "What the code's `code_challenge` was made of.",
            "refresh_token": "A refresh token, which this uses up.",
            "scope": "What the access token shall be for, if that is less than is allowed.",
            "resource": "What the token is for (RFC 8707): all of the API, `{issuer}`, or for a service account"
            " also one service of it, `{issuer}/api/v1/<service>`.",
            "audience": "The same.",
        }
        | _CLIENT,
        required=["grant_type"],
    ),
)
async def token(
    form: Form,
    client: Client,
    response: Response,
    service: Grants,
    accounts: AccountTokens,
    issuer: Issuer,
    where: Where,
) -> GrantedTokensOut:
    """Give a client tokens.

    A code works once, for 60 seconds; a second use ends what the first one got. Refresh tokens are used up, as those of
    `/api/v1/auth/refresh` are.
    """
    response.headers["cache-control"] = "no-store"
    tokens: Tokens
    match form.need("grant_type"):
        case "authorization_code":
            check_targets(form, issuer)
            redirect_uri, verifier = form.need("redirect_uri"), form.need("code_verifier")
            tokens = await service.exchange(
                client, form.need("code"), redirect_uri=redirect_uri, verifier=verifier, origin=where
            )
        case "refresh_token":
            check_targets(form, issuer)
            tokens = await service.refresh(
                client, form.need("refresh_token"), scope=asked_for(form.get("scope")), origin=where
            )
        case "client_credentials":
            tokens = accounts.give(client, scope=asked_for(form.get("scope")), audiences=targets(form))
        case _:
            raise UnsupportedGrantType
    return GrantedTokensOut.of(tokens)


@router.post(
    "/introspect",
    response_model_exclude_none=True,
    responses=_UNAVAILABLE
    | refusals(status_400="The request is malformed.", status_401=f"{_UNKNOWN_CLIENT} So is any public one."),
    openapi_extra=takes_form(_TOKEN | _CLIENT, required=["token"]),
)
async def introspect(
    form: Form, client: Client, response: Response, service: Inspection, issuer: Issuer
) -> TokenFactsOut:
    """Say what a token of the client's own organization is worth at this moment (RFC 7662)."""
    response.headers["cache-control"] = "no-store"
    return TokenFactsOut.of(await service.introspect(client, form.need("token")), issuer)


@router.post(
    "/revoke",
    responses=_UNAVAILABLE
    | refusals(status_400="The request is malformed, or the token is a service account's.", status_401=_UNKNOWN_CLIENT),
    openapi_extra=takes_form(_TOKEN | _CLIENT, required=["token"]),
)
async def revoke(form: Form, client: Client, service: Inspection) -> Response:
    """End what a token of the client's own belongs to (RFC 7009); the answer is the same for tokens of nobody's."""
    await service.revoke(client, form.need("token"))
    return Response(status_code=HTTPStatus.OK, headers={"cache-control": "no-store"})
