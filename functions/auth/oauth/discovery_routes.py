"""What clients find out by themselves (RFC 8414, OpenID Connect Discovery)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from auth.oauth import wiring
from auth.oauth.schemas import Metadata
from llmo_auth.guard import public

router = APIRouter(prefix="/.well-known", dependencies=[Depends(public)])

type Issuer = Annotated[str, Depends(wiring.issuer)]


@router.get("/oauth-authorization-server")
async def authorization_server(response: Response, issuer: Issuer) -> Metadata:
    """Describe the authorization server."""
    return _metadata(response, issuer)


@router.get("/openid-configuration")
async def openid_configuration(response: Response, issuer: Issuer) -> Metadata:
    """Describe the OpenID provider, which is the same server."""
    return _metadata(response, issuer)


def _metadata(response: Response, issuer: str) -> Metadata:
    response.headers["cache-control"] = "public, max-age=3600"
    return Metadata.at(issuer)
