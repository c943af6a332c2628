"""Callers of a service's HTTP API, as the authorizer lets them through."""

from typing import Any

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from llmo_auth.principal import ActorType, Principal
from tests.integration.organizations import Org


class ApiCaller:
    """Calls an API in this process.

    Args:
        app: The API.
        principal: Who calls.
        below: The path that all calls are below.
    """

    def __init__(self, app: ASGIApp, principal: Principal, *, below: str = "") -> None:
        self._app = app
        self._below = below
        self.principal = principal

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Make one call."""
        transport = httpx2.ASGITransport(app=self._authorized)
        async with httpx2.AsyncClient(transport=transport, base_url=f"https://llmo.example{self._below}") as client:
            return await client.request(method, path, **options)

    async def made(self, path: str, **body: Any) -> dict[str, Any]:
        """Create something; its representation."""
        answer = await self("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def _authorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = {"requestContext": {"authorizer": self.principal.to_context()}}
        await self._app({**scope, "aws.event": event}, receive, send)


def key_of(org: Org, permissions: frozenset[str]) -> Principal:
    """An organization's key."""
    return Principal(
        org_id=org.org_id,
        project_id=org.project_id,
        actor_type=ActorType.API_KEY,
        actor_id=org.key_id,
        permissions=permissions,
    )


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """The status of a refusal, and what kind it is."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"]
    return answer.status_code, kind.removeprefix("urn:llmo:problem:")
