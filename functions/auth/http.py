"""What the routes of every area share: who calls, and from where."""

from typing import Annotated

from fastapi import Depends, Request, Response

from auth.models import Origin
from auth.sign_in import wiring as sign_in
from auth.sign_in.service import SignInService
from llmo_auth.guard import signed_in
from llmo_auth.principal import Person

_LONGEST_USER_AGENT = 300


async def origin(request: Request) -> Origin:
    """Where a request came from, as API Gateway saw it; nothing that a client says in a forwarding header."""
    identity = request.scope.get("aws.event", {}).get("requestContext", {}).get("identity", {})
    agent = identity.get("userAgent")
    return Origin(ip=identity.get("sourceIp"), user_agent=agent[:_LONGEST_USER_AGENT] if agent else None)


def never_stored(response: Response) -> None:
    """Keep credentials out of caches (RFC 6749, section 5.1)."""
    response.headers["cache-control"] = "no-store"


type SignedIn = Annotated[Person, Depends(signed_in)]


async def recently_signed_in(
    person: SignedIn, service: Annotated[SignInService, Depends(sign_in.sign_in_service)]
) -> Person:
    """Somebody who proved in the last ten minutes who they are, for what a stolen token must not be enough for.

    Raises Unauthenticated, NotSignedIn, ReauthenticationRequired.
    """
    await service.require_recent(person)
    return person


type RecentlySignedIn = Annotated[Person, Depends(recently_signed_in)]
type Where = Annotated[Origin, Depends(origin)]
