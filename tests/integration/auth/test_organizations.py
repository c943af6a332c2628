"""Organizations and their own roles over HTTP on the real stores."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from auth.sign_in.repository import PostgresPeople
from llmo_auth.principal import PERMISSIONS_OF, Permission, Person, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.auth.announcements import announced
from tests.integration.auth.colleagues import Colleague, colleague
from tests.integration.auth.tenancy import request, wire
from tests.integration.organizations import MakeOrg, Org


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, auth_database, redis_client, MovableClock())


@pytest.fixture
def owner(org: Org) -> Colleague:
    return Colleague(org.org_id, org.user_id)


@pytest.fixture
def alone(org: Org) -> Person:
    """Somebody whose token is for no organization."""
    return Person(user_id=org.user_id, session_id=new_id())


async def test_somebody_in_no_organization_founds_one_and_owns_it(alone: Person, auth_database: Database) -> None:
    answer = await request(alone, "POST", "/api/v1/orgs", json={"name": "Mine"})

    assert answer.status_code == 201, answer.text
    listed = (await request(alone, "GET", "/api/v1/orgs")).json()["data"]
    assert {"id": answer.json()["id"], "name": "Mine", "role": "owner"} in listed
    events = await announced(auth_database, answer.json()["id"])
    assert [event.type for event in events] == ["llmo.auth.organization.created"]


async def test_founding_is_repeated_without_a_second_organization(alone: Person) -> None:
    key = {"Idempotency-Key": str(new_id())}
    first = await request(alone, "POST", "/api/v1/orgs", json={"name": "Once"}, headers=key)
    again = await request(alone, "POST", "/api/v1/orgs", json={"name": "Once"}, headers=key)
    other = await request(alone, "POST", "/api/v1/orgs", json={"name": "Twice"}, headers=key)

    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["x-llmo-idempotent-replay"] == "true"
    assert other.status_code == 422
    listed = (await request(alone, "GET", "/api/v1/orgs")).json()["data"]
    assert [found["name"] for found in listed].count("Once") == 1


async def test_the_key_of_one_person_repeats_nothing_of_anothers(alone: Person, make_org: MakeOrg) -> None:
    other = Person(user_id=(await make_org()).user_id, session_id=new_id())
    key = {"Idempotency-Key": str(new_id())}
    first = await request(alone, "POST", "/api/v1/orgs", json={"name": "Mine"}, headers=key)
    second = await request(other, "POST", "/api/v1/orgs", json={"name": "Mine"}, headers=key)

    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


async def test_who_am_i_names_the_person_also_without_an_organization(alone: Person, owner: Colleague) -> None:
    nobody = (await request(alone, "GET", "/api/v1/me")).json()
    renamed = await request(alone, "PATCH", "/api/v1/me", json={"name": "Ada Lovelace"})

    assert (nobody["organization"], nobody["permissions"], nobody["actor_type"]) == (None, [], "user")
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Ada Lovelace")
    assert renamed.json()["id"] == nobody["user"]["id"] == str(owner.user_id)


async def test_a_route_of_an_organization_needs_one(alone: Person, org: Org) -> None:
    answer = await request(alone, "GET", f"/api/v1/orgs/{org.org_id}/members")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:no_organization")


async def test_an_owner_changes_name_and_budget_and_what_is_left_out_stays(
    owner: Colleague, auth_database: Database
) -> None:
    budgeted = await owner("PATCH", "", json={"monthly_budget_usd": "12.50"})
    renamed = await owner("PATCH", "", json={"name": "Acme Two"})
    unlimited = await owner("PATCH", "", json={"monthly_budget_usd": None})
    same = await owner("PATCH", "", json={})

    assert budgeted.json()["monthly_budget_usd"] == renamed.json()["monthly_budget_usd"] == "12.5"
    assert (unlimited.json()["name"], unlimited.json()["monthly_budget_usd"]) == ("Acme Two", None)
    assert same.json() == unlimited.json() == (await owner("GET", "")).json()
    events = [event.type for event in await announced(auth_database, owner.org_id)]
    assert events.count("llmo.auth.organization.changed") == 3


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DEVELOPER, Role.BILLING, Role.VIEWER])
async def test_nobody_but_an_owner_changes_the_organization(
    role: Role, owner: Colleague, auth_database: Database
) -> None:
    other = await colleague(auth_database, owner.org_id, role)
    assert (await other("PATCH", "", json={"name": "Hijacked"})).status_code == 403
    assert (await other("GET", "")).json()["name"] == "Acme"


async def test_a_role_of_permissions_is_given_counts_and_is_removed_once_nobody_has_it(
    owner: Colleague, auth_database: Database
) -> None:
    member = await colleague(auth_database, owner.org_id, Role.VIEWER)
    made = await owner("POST", "roles", json={"name": "auditor", "permissions": ["usage:read", "audit:read"]})
    taken = await owner("POST", "roles", json={"name": "auditor", "permissions": ["usage:read"]})
    given = await owner("PATCH", f"members/{member.user_id}", json={"role": "auditor"})
    in_use = await owner("DELETE", "roles/auditor")
    changed = await owner("PATCH", "roles/auditor", json={"permissions": ["usage:read"]})

    assert (made.status_code, taken.status_code, in_use.status_code) == (201, 409, 409)
    assert (given.status_code, given.json()["role"]) == (200, "auditor")
    assert changed.json()["permissions"] == ["usage:read"]
    [membership] = await PostgresPeople(auth_database).memberships(member.user_id)
    assert membership.permissions == {"usage:read"}

    await owner("PATCH", f"members/{member.user_id}", json={"role": "viewer"})
    assert (await owner("DELETE", "roles/auditor")).status_code == 204
    assert (await owner("DELETE", "roles/auditor")).status_code == 404
    listed = (await owner("GET", "roles")).json()["data"]
    assert [role["name"] for role in listed] == ["owner", "admin", "developer", "billing", "viewer"]


@pytest.mark.parametrize("name", ["owner", "viewer"])
async def test_the_roles_that_every_organization_has_are_nobodys_to_make_or_change(owner: Colleague, name: str) -> None:
    made = await owner("POST", "roles", json={"name": name, "permissions": ["usage:read"]})
    assert made.status_code == 409
    assert (await owner("PATCH", f"roles/{name}", json={"permissions": ["usage:read"]})).status_code == 404
    assert (await owner("DELETE", f"roles/{name}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Auditor", "permissions": ["usage:read"]},
        {"name": "auditor", "permissions": ["everything"]},
        {"name": "auditor", "permissions": []},
        {"name": "auditor", "permissions": ["usage:read"], "org_id": str(new_id())},
        {"name": "auditor", "permissions": ["usage:read"], "description": ""},
    ],
)
async def test_a_malformed_role_is_refused(owner: Colleague, body: dict[str, Any]) -> None:
    assert (await owner("POST", "roles", json=body)).status_code == 422


async def test_a_role_that_the_organization_lacks_is_given_to_nobody(owner: Colleague, make_org: MakeOrg) -> None:
    other = await make_org()
    await Colleague(other.org_id, other.user_id)("POST", "roles", json={"name": "theirs", "permissions": ["llm:call"]})

    answer = await owner("POST", "invitations", json={"email": "grace@example.com", "role": "theirs"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:no_such_role")
    assert (await owner("PATCH", "roles/theirs", json={"permissions": ["usage:read"]})).status_code == 404


@settings(max_examples=25)
@given(
    held=st.frozensets(st.sampled_from(sorted(Permission))),
    wanted=st.frozensets(st.sampled_from(sorted(Permission)), min_size=1),
)
async def test_nobody_makes_changes_or_gives_a_role_that_may_do_more_than_they_may(
    org: Org, auth_database: Database, held: frozenset[Permission], wanted: frozenset[Permission]
) -> None:
    owner = Colleague(org.org_id, org.user_id)
    maker = Colleague(org.org_id, new_id(), permissions={*held, Permission.ROLES_WRITE, Permission.MEMBERS_WRITE})
    within = maker.principal.permissions >= wanted
    name, other = f"r{new_id().hex[:20]}", f"s{new_id().hex[:20]}"

    made = await maker("POST", "roles", json={"name": name, "permissions": sorted(wanted)})
    assert made.status_code == (201 if within else 403)

    await owner("POST", "roles", json={"name": other, "permissions": sorted(wanted)})
    lessened = await maker("PATCH", f"roles/{other}", json={"permissions": [Permission.ROLES_WRITE]})
    assert lessened.status_code == (200 if within else 403)
    member = await colleague(auth_database, org.org_id, Role.BILLING)
    await owner("PATCH", f"roles/{other}", json={"permissions": sorted(wanted)})
    given_role = await maker("PATCH", f"members/{member.user_id}", json={"role": other})
    takes = maker.principal.permissions >= PERMISSIONS_OF[Role.BILLING]
    assert given_role.status_code == (200 if within and takes else 403)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "Hijacked"}),
        ("GET", "roles", None),
        ("POST", "roles", {"name": "mine", "permissions": ["usage:read"]}),
        ("PATCH", "roles/auditor", {"permissions": ["usage:read"]}),
        ("DELETE", "roles/auditor", None),
    ],
)
async def test_another_organization_is_as_good_as_none(
    owner: Colleague, make_org: MakeOrg, method: str, path: str, body: dict[str, Any] | None
) -> None:
    other = await make_org()
    await owner("POST", "roles", json={"name": "auditor", "permissions": ["usage:read", "audit:read"]})
    stranger = Colleague(other.org_id, other.user_id)

    answer = await stranger.at(owner.org_id, method, path, json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:other_organization")
    assert (await owner("GET", "")).json()["name"] == "Acme"
    assert len((await owner("GET", "roles")).json()["data"]) == 6
