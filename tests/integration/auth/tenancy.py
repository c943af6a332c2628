"""The use cases of organizations, their members and roles, and of profiles, on the real stores."""

from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from auth import wiring as shared
from auth.accounts import wiring as accounts
from auth.accounts.profile import ProfileService
from auth.api import app
from auth.one_time_tokens import OneTimeTokens
from auth.organizations import wiring
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.members import MemberService
from auth.organizations.repository import PostgresOrganizations, PostgresRoles
from auth.organizations.roles import RoleService
from auth.organizations.service import OrganizationService
from auth.sign_in.repository import PostgresPeople
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_auth.principal import Person, Principal
from llmo_core.clock import Clock
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.postgres import Database
from tests.integration.auth.announcements import outbox
from tests.integration.auth.calling import owned_keys
from tests.integration.auth.oauth_server import Overrides, given


def wire(monkeypatch: pytest.MonkeyPatch, database: Database, redis: Redis, clock: Clock) -> None:
    """Have the routes use them."""
    for provider, service in _overrides(database, redis, clock).items():
        monkeypatch.setitem(app.dependency_overrides, provider, given(service))


def _overrides(database: Database, redis: Redis, clock: Clock) -> Overrides:
    ports: dict[str, Any] = {"events": outbox(database), "transaction": database.transaction}
    keys = owned_keys(database, redis)
    people, members = PostgresPeople(database), PostgresMembers(database)
    roles, organizations = PostgresRoles(database), PostgresOrganizations(database)
    return {
        wiring.organization_service: OrganizationService(
            organizations=organizations, people=people, new_id=new_id, **ports
        ),
        wiring.role_service: RoleService(roles=roles, invitations=members, keys=keys, clock=clock, **ports),
        wiring.member_service: MemberService(
            members=members,
            roles=roles,
            keys=keys,
            people=people,
            tokens=OneTimeTokens(b"secret"),
            clock=clock,
            new_id=new_id,
            **ports,
        ),
        accounts.profile_service: ProfileService(profiles=people, tenants=organizations, **ports),
        shared.repeated_requests: RepeatedRequests(
            database=database, records=IdempotencyRecords("auth"), secret=b"secret", clock=clock
        ),
    }


async def request(caller: Person | Principal, method: str, path: str, **options: Any) -> httpx2.Response:
    """Call a route as whoever the authorizer let through."""
    event = {"requestContext": {"authorizer": caller.to_context()}}

    async def authorized(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "aws.event": event}, receive, send)

    transport = httpx2.ASGITransport(app=authorized)
    async with httpx2.AsyncClient(transport=transport, base_url="https://llmo.example") as client:
        return await client.request(method, path, **options)
