"""Calls to the HTTP API of API keys, on the real stores."""

from typing import Any
from uuid import UUID

import httpx2
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from auth.api import app
from auth.api_keys.admission import RedisAdmission
from auth.api_keys.owned_keys import OwnedKeys
from auth.api_keys.repository import PostgresKeys
from auth.api_keys.service import ApiKeyService
from llmo_auth.principal import ActorType, Principal
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import outbox
from tests.integration.organizations import PEPPER, Org

MAY_MANAGE_KEYS = frozenset({"keys:read", "keys:write", "llm:call"})


class Caller:
    """Calls the API as an organization's key that the authorizer let through."""

    def __init__(
        self, org: Org, *, permissions: frozenset[str] = MAY_MANAGE_KEYS, actor_id: UUID | None = None
    ) -> None:
        self.principal = Principal(
            org_id=org.org_id,
            project_id=org.project_id,
            actor_type=ActorType.API_KEY,
            actor_id=actor_id or org.key_id,
            permissions=permissions,
        )

    @classmethod
    def of(cls, principal: Principal) -> "Caller":
        """Calls it as anybody."""
        caller = cls.__new__(cls)
        caller.principal = principal
        return caller

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Make one call."""
        transport = httpx2.ASGITransport(app=self._authorized)
        async with httpx2.AsyncClient(transport=transport, base_url="https://llmo.example") as client:
            return await client.request(method, path, **options)

    async def _authorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = {"requestContext": {"authorizer": self.principal.to_context()}}
        await app({**scope, "aws.event": event}, receive, send)


def service(database: Database, client: Redis) -> ApiKeyService:
    """The use cases."""
    return ApiKeyService(
        keys=PostgresKeys(database),
        events=outbox(database),
        transaction=database.transaction,
        admission=RedisAdmission(client),
        after_commit=database.after_commit,
        pepper=PEPPER.encode(),
        clock=SystemClock(),
        new_id=new_id,
    )


def owned_keys(database: Database, client: Redis) -> OwnedKeys:
    """Keeps members' own keys within what the members may do."""
    return OwnedKeys(
        keys=PostgresKeys(database),
        events=outbox(database),
        admission=RedisAdmission(client),
        after_commit=database.after_commit,
        clock=SystemClock(),
    )
