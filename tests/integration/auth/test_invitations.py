"""What becomes of invitations when whoever made them may do less, or is gone: they are withdrawn, and no others."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from auth.api_keys import wiring as api_keys
from llmo_auth.principal import ActorType, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.api_caller import ApiCaller
from tests.integration.auth.announcements import announced
from tests.integration.auth.calling import service
from tests.integration.auth.colleagues import Colleague, colleague
from tests.integration.auth.oauth_server import given
from tests.integration.auth.tenancy import wire
from tests.integration.organizations import MakeOrg, Org

INVITES = ["members:read", "members:write", "usage:read"]

type Happening = Callable[[Colleague, Colleague], Awaitable[Any]]


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, auth_database, redis_client, MovableClock())
    keys = given(service(auth_database, redis_client))
    monkeypatch.setitem(app.dependency_overrides, api_keys.api_key_service, keys)


@pytest_asyncio.fixture
async def owner(org: Org) -> Colleague:
    """The owner of an organization that has a role with which one may see usage and nothing else."""
    found = Colleague(org.org_id, org.user_id)
    made = await found("POST", "roles", json={"name": "onlooker", "permissions": ["usage:read"]})
    assert made.status_code == 201, made.text
    return found


@pytest_asyncio.fixture
async def recruiter(owner: Colleague, auth_database: Database) -> Colleague:
    """A member with a role of the organization's own."""
    made = await owner("POST", "roles", json={"name": "recruiter", "permissions": INVITES})
    assert made.status_code == 201, made.text
    member = await colleague(auth_database, owner.org_id, Role.VIEWER)
    given_role = await owner("PATCH", f"members/{member.user_id}", json={"role": "recruiter"})
    assert given_role.status_code == 200, given_role.text
    return Colleague(owner.org_id, member.user_id, permissions=INVITES)


async def invited(by: Colleague, role: str = "onlooker", email: str | None = None) -> str:
    body = {"email": email or f"{new_id().hex}@example.com", "role": role}
    answer = await by("POST", "invitations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def invitations(owner: Colleague) -> set[str]:
    return {found["id"] for found in (await owner("GET", "invitations")).json()["data"]}


async def withdrawn(database: Database, org_id: UUID) -> set[str]:
    """The invitations that were announced to be worthless."""
    events = await announced(database, org_id)
    told = [event for event in events if event.type == "llmo.auth.member.invitation_withdrawn"]
    return {str(event.data["invitation_id"]) for event in told}


async def removed(owner: Colleague, member: Colleague) -> None:
    assert (await owner("DELETE", f"members/{member.user_id}")).status_code == 204


async def left(_: Colleague, member: Colleague) -> None:
    assert (await member("DELETE", f"members/{member.user_id}")).status_code == 204


async def made_less(owner: Colleague, member: Colleague) -> None:
    assert (await owner("PATCH", f"members/{member.user_id}", json={"role": "viewer"})).status_code == 200


async def role_narrowed(owner: Colleague, _: Colleague) -> None:
    less = await owner("PATCH", "roles/recruiter", json={"permissions": ["members:read", "members:write"]})
    assert less.status_code == 200, less.text


HAPPENINGS = pytest.mark.parametrize("happens", [removed, left, made_less, role_narrowed])


@HAPPENINGS
async def test_what_a_member_invited_to_is_withdrawn_and_what_others_invited_to_stays(
    owner: Colleague, recruiter: Colleague, auth_database: Database, happens: Happening
) -> None:
    other = await colleague(auth_database, owner.org_id, Role.ADMIN)
    theirs = [await invited(recruiter), await invited(recruiter)]
    others = {await invited(owner), await invited(other)}
    assert await invitations(owner) == {*theirs, *others}

    await happens(owner, recruiter)

    assert await invitations(owner) == others


@HAPPENINGS
async def test_what_is_withdrawn_with_its_maker_is_announced_like_what_is_withdrawn_by_hand(
    owner: Colleague, recruiter: Colleague, auth_database: Database, happens: Happening
) -> None:
    theirs = {await invited(recruiter), await invited(recruiter)}

    await happens(owner, recruiter)

    assert await withdrawn(auth_database, owner.org_id) == theirs


async def test_an_invitation_that_is_withdrawn_by_hand_is_announced_once_and_others_are_not(
    owner: Colleague, auth_database: Database
) -> None:
    first, second = await invited(owner), await invited(owner)

    answers = [await owner("DELETE", f"invitations/{first}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]
    assert await withdrawn(auth_database, owner.org_id) == {first}
    assert await invitations(owner) == {second}


async def test_the_link_of_a_withdrawn_invitation_lets_nobody_in(
    owner: Colleague, recruiter: Colleague, auth_database: Database, make_org: MakeOrg
) -> None:
    guest = await make_org()
    await invited(recruiter, email=f"{guest.user_id.hex}@example.com")
    token = (await announced(auth_database, owner.org_id))[-1].data["token"]

    await role_narrowed(owner, recruiter)

    who = Colleague(guest.org_id, guest.user_id)
    answer = await who.at(owner.org_id, "POST", "members", json={"invitation_token": token})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:invalid_token")


@HAPPENINGS
async def test_what_a_members_own_key_invited_to_is_withdrawn_too(
    owner: Colleague, recruiter: Colleague, org: Org, happens: Happening
) -> None:
    await owner("PATCH", "roles/recruiter", json={"permissions": [*INVITES, "keys:write"]})
    recruiter = Colleague(org.org_id, recruiter.user_id, permissions=[*INVITES, "keys:write"])
    body = {"name": "Mine", "project_id": str(org.project_id), "permissions": ["members:write", "usage:read"]}
    made = await ApiCaller(app, recruiter.principal)("POST", "/api/v1/api-keys", json=body)
    assert made.status_code == 201, made.text
    theirs = Colleague(org.org_id, recruiter.user_id)
    theirs.principal = theirs.principal.model_copy(
        update={
            "actor_type": ActorType.API_KEY,
            "actor_id": UUID(made.json()["id"]),
            "permissions": frozenset(body["permissions"]),
            "session_id": None,
        }
    )
    await invited(theirs)
    stays = await invited(owner)

    await happens(owner, recruiter)

    assert await invitations(owner) == {stays}


async def test_a_role_whose_description_alone_changes_withdraws_nothing(owner: Colleague, recruiter: Colleague) -> None:
    theirs = await invited(recruiter)

    await owner("PATCH", "roles/recruiter", json={"description": "Finds people"})

    assert await invitations(owner) == {theirs}


async def test_a_role_of_others_that_is_narrowed_withdraws_nothing(owner: Colleague, recruiter: Colleague) -> None:
    theirs = await invited(recruiter)

    await owner("PATCH", "roles/onlooker", json={"permissions": ["members:read"]})

    assert await invitations(owner) == {theirs}
