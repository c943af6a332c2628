"""People who are signed in to an organization, and call its routes as themselves."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import httpx2
from starlette.types import Receive, Scope, Send

from auth.api import app
from llmo_auth.principal import PERMISSIONS_OF, ActorType, Principal, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert


class Colleague:
    """Somebody who is signed in, with what a role may do."""

    def __init__(self, org_id: UUID, user_id: UUID, role: Role = Role.OWNER, permissions: Iterable[str] = ()) -> None:
        self.org_id, self.user_id = org_id, user_id
        self.principal = Principal(
            org_id=org_id,
            project_id=None,
            actor_type=ActorType.USER,
            actor_id=user_id,
            permissions=frozenset(permissions or PERMISSIONS_OF[role]),
            session_id=new_id(),
        )

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Call a route below the person's organization."""
        return await self.at(self.org_id, method, path, **options)

    async def at(self, org_id: UUID, method: str, path: str, **options: Any) -> httpx2.Response:
        """Call a route below any organization."""
        identity = {"sourceIp": "203.0.113.10", "userAgent": "a browser"}
        event = {"requestContext": {"authorizer": self.principal.to_context(), "identity": identity}}

        async def authorized(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "aws.event": event}, receive, send)

        transport = httpx2.ASGITransport(app=authorized)
        async with httpx2.AsyncClient(transport=transport, base_url="https://llmo.example") as client:
            return await client.request(method, f"/api/v1/orgs/{org_id}/{path}".rstrip("/"), **options)


async def colleague(database: Database, org_id: UUID, role: Role) -> Colleague:
    """A new member of an organization."""
    user_id = new_id()
    email = f"{user_id.hex}@example.com"
    async with database.transaction(org_id) as connection:
        await connection.execute("SELECT set_config('app.email', %s, true)", (email,))
        user = {"id": user_id, "email": email, "password_hash": "none", "name": "Grace"}
        await connection.execute(*insert("auth.users", user))
        membership = {"org_id": org_id, "user_id": user_id, "role": role.value}
        await connection.execute(*insert("auth.memberships", membership))
    return Colleague(org_id, user_id, role)
