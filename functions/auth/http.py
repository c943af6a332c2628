"""What the routes of every area share: who calls, from where, and what they refuse."""

from typing import Annotated, Any

from fastapi import Depends, Request

from auth.models import Origin
from llmo_auth.guard import signed_in
from llmo_auth.principal import Person
from llmo_core.http.problems import MEDIA_TYPE

_LONGEST_USER_AGENT = 300


def refusals(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers besides success, for its documentation: `status_404="..."`."""
    problem = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    return {
        int(status.removeprefix("status_")): {"description": text, "content": problem}
        for status, text in statuses.items()
    }


async def origin(request: Request) -> Origin:
    """Where a request came from, as API Gateway saw it; nothing that a client says in a forwarding header."""
    identity = request.scope.get("aws.event", {}).get("requestContext", {}).get("identity", {})
    agent = identity.get("userAgent")
    return Origin(ip=identity.get("sourceIp"), user_agent=agent[:_LONGEST_USER_AGENT] if agent else None)


type SignedIn = Annotated[Person, Depends(signed_in)]


type Where = Annotated[Origin, Depends(origin)]
