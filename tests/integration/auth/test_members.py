"""Members, invitations and projects over HTTP on the real stores: nobody gives or takes more than they have."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from auth.api import app
from auth.one_time_tokens import OneTimeTokens
from auth.organizations import wiring
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.members import MemberService
from auth.organizations.projects import ProjectService
from auth.organizations.repository import PostgresProjects, PostgresRoles
from auth.sign_in.repository import PostgresPeople
from llmo_auth.principal import PERMISSIONS_OF, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.auth.announcements import announced, outbox
from tests.integration.auth.calling import owned_keys
from tests.integration.auth.colleagues import Colleague, colleague
from tests.integration.organizations import MakeOrg, Org

CLOCK = MovableClock()


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    shared: dict[str, Any] = {
        "events": outbox(auth_database),
        "transaction": auth_database.transaction,
        "new_id": new_id,
    }
    people, tokens = PostgresPeople(auth_database), OneTimeTokens(b"secret")
    roles = PostgresRoles(auth_database)
    keys = owned_keys(auth_database, redis_client)
    members = MemberService(
        members=PostgresMembers(auth_database),
        roles=roles,
        keys=keys,
        people=people,
        tokens=tokens,
        clock=CLOCK,
        **shared,
    )
    projects = ProjectService(projects=PostgresProjects(auth_database), **shared)

    async def member_service() -> MemberService:
        return members

    async def project_service() -> ProjectService:
        return projects

    monkeypatch.setitem(app.dependency_overrides, wiring.member_service, member_service)
    monkeypatch.setitem(app.dependency_overrides, wiring.project_service, project_service)


@pytest.fixture(autouse=True)
def time() -> Iterator[MovableClock]:
    started = CLOCK.moment
    yield CLOCK
    CLOCK.moment = started


@pytest.fixture
def owner(org: Org) -> Colleague:
    return Colleague(org.org_id, org.user_id)


@pytest_asyncio.fixture
async def guest(make_org: MakeOrg) -> AsyncIterator[Colleague]:
    """Somebody who owns an organization of their own."""
    other = await make_org()
    yield Colleague(other.org_id, other.user_id)


async def invited(owner: Colleague, guest: Colleague, database: Database, role: Role = Role.DEVELOPER) -> str:
    """Invite the guest; the token that was mailed."""
    email = f"{guest.user_id.hex}@example.com"
    answer = await owner("POST", "invitations", json={"email": email.upper(), "role": role})
    assert answer.status_code == 201, answer.text
    assert "token" not in answer.text
    events = [event for event in await announced(database, owner.org_id) if event.type == "llmo.auth.member.invited"]
    return str(events[-1].data["token"])


async def roles(owner: Colleague) -> dict[str, str]:
    return {found["user_id"]: found["role"] for found in (await owner("GET", "members")).json()["data"]}


async def test_an_invited_person_joins_with_the_mailed_token_once(
    owner: Colleague, guest: Colleague, auth_database: Database
) -> None:
    token = await invited(owner, guest, auth_database)

    joined = await guest.at(owner.org_id, "POST", "members", json={"invitation_token": token})
    again = await guest.at(owner.org_id, "POST", "members", json={"invitation_token": token})

    assert (joined.status_code, joined.json()["role"]) == (201, "developer")
    assert (again.status_code, again.json()["type"]) == (400, "urn:llmo:problem:invalid_token")
    assert await roles(owner) == {str(owner.user_id): "owner", str(guest.user_id): "developer"}
    assert (await owner("GET", "invitations")).json()["data"] == []
    assert (await announced(auth_database, owner.org_id))[-1].type == "llmo.auth.member.joined"


async def test_an_invitation_is_for_one_address_one_organization_and_seven_days(
    owner: Colleague, guest: Colleague, auth_database: Database, make_org: MakeOrg, time: MovableClock
) -> None:
    token = await invited(owner, guest, auth_database)
    stranger = await make_org()
    attempts = [
        (Colleague(stranger.org_id, stranger.user_id), owner.org_id, token),
        (guest, stranger.org_id, token),
        (guest, owner.org_id, token[:-1] + ("A" if token[-1] != "A" else "B")),
        (guest, owner.org_id, "x"),
    ]
    for who, where, shown in attempts:
        answer = await who.at(where, "POST", "members", json={"invitation_token": shown})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:invalid_token")

    time.advance(days=7)
    late = await guest.at(owner.org_id, "POST", "members", json={"invitation_token": token})
    assert late.json()["type"] == "urn:llmo:problem:invalid_token"


async def test_a_second_invitation_replaces_the_first_and_a_withdrawn_one_is_worthless(
    owner: Colleague, guest: Colleague, auth_database: Database
) -> None:
    first = await invited(owner, guest, auth_database)
    second = await invited(owner, guest, auth_database, Role.VIEWER)
    [shown] = (await owner("GET", "invitations")).json()["data"]
    assert shown["role"] == "viewer"
    assert (await owner("DELETE", f"invitations/{shown['id']}")).status_code == 204
    assert (await owner("DELETE", f"invitations/{shown['id']}")).status_code == 404

    for token in (first, second):
        answer = await guest.at(owner.org_id, "POST", "members", json={"invitation_token": token})
        assert answer.status_code == 400


@pytest.mark.parametrize(("method", "options"), [("DELETE", {}), ("PATCH", {"json": {"role": "viewer"}})])
async def test_invitations_are_worth_no_more_than_who_made_them(
    owner: Colleague, guest: Colleague, auth_database: Database, method: str, options: dict[str, Any]
) -> None:
    admin = await colleague(auth_database, owner.org_id, Role.ADMIN)
    token = await invited(admin, guest, auth_database, Role.ADMIN)

    await owner(method, f"members/{admin.user_id}", **options)

    answer = await guest.at(owner.org_id, "POST", "members", json={"invitation_token": token})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:invalid_token")


async def test_a_member_is_not_invited_again(owner: Colleague, auth_database: Database) -> None:
    member = await colleague(auth_database, owner.org_id, Role.VIEWER)

    answer = await owner("POST", "invitations", json={"email": f"{member.user_id.hex}@example.com", "role": "viewer"})

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:llmo:problem:already_amember")


@settings(max_examples=30)
@given(actor=st.sampled_from(Role), target=st.sampled_from(Role), wanted=st.sampled_from(Role))
async def test_nobody_gives_or_takes_a_role_that_may_do_more_than_they_may(
    auth_database: Database, make_org: MakeOrg, actor: Role, target: Role, wanted: Role
) -> None:
    org = await make_org()
    acting = await colleague(auth_database, org.org_id, actor)
    other = await colleague(auth_database, org.org_id, target)
    allowed = "members:write" in PERMISSIONS_OF[actor]
    over_target = allowed and PERMISSIONS_OF[target] <= PERMISSIONS_OF[actor]
    may_change = over_target and PERMISSIONS_OF[wanted] <= PERMISSIONS_OF[actor]

    changed = await acting("PATCH", f"members/{other.user_id}", json={"role": wanted})
    assert changed.status_code == (200 if may_change else 403)
    now = wanted if may_change else target
    over_now = allowed and PERMISSIONS_OF[now] <= PERMISSIONS_OF[actor]
    removed = await acting("DELETE", f"members/{other.user_id}")
    assert removed.status_code == (204 if over_now else 403)
    left = await roles(Colleague(org.org_id, org.user_id))
    assert left.get(str(other.user_id)) == (None if over_now else now.value)


async def test_the_last_owner_can_neither_leave_nor_become_less(owner: Colleague, auth_database: Database) -> None:
    for method, options in (("DELETE", {}), ("PATCH", {"json": {"role": "admin"}})):
        answer = await owner(method, f"members/{owner.user_id}", **options)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:llmo:problem:last_owner")

    second = await colleague(auth_database, owner.org_id, Role.OWNER)
    assert (await owner("DELETE", f"members/{owner.user_id}")).status_code == 204
    assert await roles(second) == {str(second.user_id): "owner"}


async def test_of_two_owners_who_leave_at_once_one_stays(owner: Colleague, auth_database: Database) -> None:
    second = await colleague(auth_database, owner.org_id, Role.OWNER)
    answers = await asyncio.gather(*(who("DELETE", f"members/{who.user_id}") for who in (owner, second)))

    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert len(await roles(owner)) == 1


async def test_everybody_may_leave(owner: Colleague, auth_database: Database) -> None:
    viewer = await colleague(auth_database, owner.org_id, Role.VIEWER)

    assert (await viewer("DELETE", f"members/{viewer.user_id}")).status_code == 204
    assert (await announced(auth_database, owner.org_id))[-1].data == {"user_id": str(viewer.user_id), "left": True}


async def test_projects_have_names_of_their_own(owner: Colleague, auth_database: Database) -> None:
    made = await owner("POST", "projects", json={"name": "Checkout", "monthly_budget_usd": "12.50"})
    twice = await owner("POST", "projects", json={"name": "Checkout"})

    assert (made.status_code, made.json()["monthly_budget_usd"]) == (201, "12.5")
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:llmo:problem:project_name_taken")
    assert [found["name"] for found in (await owner("GET", "projects")).json()["data"]] == ["Checkout", "Default"]
    assert [event.type for event in await announced(auth_database, owner.org_id)] == ["llmo.auth.project.created"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "members", None),
        ("PATCH", "members/{user}", {"role": "viewer"}),
        ("DELETE", "members/{user}", None),
        ("GET", "invitations", None),
        ("POST", "invitations", {"email": "x@example.com", "role": "viewer"}),
        ("DELETE", "invitations/{user}", None),
        ("GET", "projects", None),
        ("POST", "projects", {"name": "x"}),
    ],
)
async def test_another_organization_is_as_good_as_none(
    owner: Colleague, guest: Colleague, method: str, path: str, body: dict[str, str] | None
) -> None:
    path = path.format(user=owner.user_id)
    for where in (owner.org_id, new_id()):
        answer = await guest.at(where, method, path, json=body)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:other_organization")
    within = await guest(method, path, json=body)
    assert str(owner.user_id) not in within.text
    assert "{user}" not in path
    assert await roles(owner) == {str(owner.user_id): "owner"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("invitations", {"email": "a@example.com", "role": "Em peror"}),
        ("invitations", {"email": "a@example.com", "role": "viewer", "org_id": "x"}),
        ("invitations", {"email": "nobody"}),
        ("invitations", {"email": "admİn@example.com"}),
        ("projects", {"name": " "}),
        ("projects", {"name": "x", "org_id": "01980a5e-7c00-7000-8000-000000000001"}),
        ("members", {"role": "owner"}),
    ],
)
async def test_nothing_can_be_slipped_into_a_body(owner: Colleague, path: str, body: dict[str, str]) -> None:
    assert (await owner("POST", path, json=body)).status_code == 422
