"""What becomes of API keys: rotated, limited to networks, used, and ended with their member."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from auth.api_keys import wiring
from auth.api_keys.service import ApiKeyService
from auth.client_secrets import ClientSecrets
from auth.one_time_tokens import OneTimeTokens
from auth.organizations import wiring as organizations
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.members import MemberService
from auth.organizations.repository import PostgresRoles
from auth.organizations.roles import RoleService
from auth.service_accounts import wiring as accounts
from auth.service_accounts.repository import PostgresServiceAccounts
from auth.service_accounts.service import ServiceAccountService
from auth.sign_in.repository import PostgresPeople
from llmo_auth.principal import ActorType, Permission, Role
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.api_caller import ApiCaller
from tests.integration.auth.announcements import announced, outbox
from tests.integration.auth.calling import Caller, owned_keys, service
from tests.integration.auth.colleagues import Colleague, colleague
from tests.integration.auth.test_api_keys import admitted
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    shared: dict[str, Any] = {"events": outbox(auth_database), "clock": SystemClock()}
    keys = owned_keys(auth_database, redis_client)
    roles = PostgresRoles(auth_database)
    wired = service(auth_database, redis_client)

    async def api_key_service() -> ApiKeyService:
        return wired

    async def member_service() -> MemberService:
        return MemberService(
            members=PostgresMembers(auth_database),
            roles=roles,
            keys=keys,
            people=PostgresPeople(auth_database),
            tokens=OneTimeTokens(b"secret"),
            transaction=auth_database.transaction,
            new_id=new_id,
            **shared,
        )

    async def service_account_service() -> ServiceAccountService:
        return ServiceAccountService(
            accounts=PostgresServiceAccounts(auth_database),
            organizations=PostgresMembers(auth_database),
            secrets=ClientSecrets(b"secret"),
            keys=keys,
            transaction=auth_database.transaction,
            new_id=new_id,
            **shared,
        )

    async def role_service() -> RoleService:
        return RoleService(
            roles=roles,
            invitations=PostgresMembers(auth_database),
            keys=keys,
            transaction=auth_database.transaction,
            **shared,
        )

    monkeypatch.setitem(app.dependency_overrides, wiring.api_key_service, api_key_service)
    monkeypatch.setitem(app.dependency_overrides, organizations.member_service, member_service)
    monkeypatch.setitem(app.dependency_overrides, organizations.role_service, role_service)
    monkeypatch.setitem(app.dependency_overrides, accounts.service_account_service, service_account_service)


@pytest_asyncio.fixture
async def admission(postgres: Postgres) -> AsyncIterator[Database]:
    database = Database(postgres.conninfo("llmo_integration"))
    yield database
    await database.close()


class Member:
    """A signed-in person who makes keys of their own."""

    def __init__(self, who: Colleague, project_id: UUID) -> None:
        self.who, self.project_id = who, project_id

    async def key(self, *permissions: str, **body: Any) -> dict[str, Any]:
        wanted = {"name": "Mine", "project_id": str(self.project_id), "permissions": permissions or ["llm:call"]}
        answer = await ApiCaller(app, self.who.principal)("POST", "/api/v1/api-keys", json={**wanted, **body})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest_asyncio.fixture
async def developer(org: Org, auth_database: Database) -> Member:
    return Member(await colleague(auth_database, org.org_id, Role.DEVELOPER), org.project_id)


@pytest.fixture
def owner(org: Org) -> Colleague:
    return Colleague(org.org_id, org.user_id)


def record(org: Org, key: dict[str, Any], admitted_key: dict[str, Any]) -> str:
    assert str(admitted_key["key_id"]) == key["id"]
    return f"{{{org.org_ref}}}:key:{admitted_key['key_hash']}"


async def created(caller: ApiCaller, **body: Any) -> dict[str, Any]:
    answer = await caller("POST", "/api/v1/api-keys", json={"name": "Checkout", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_rotated_key_works_beside_its_successor_for_the_overlap(
    org: Org, admission: Database, redis_client: Redis, auth_database: Database
) -> None:
    caller = Caller(org)
    old = await created(caller, requests_per_minute=60, allowed_models=["gpt-4o-mini"])
    known = await admitted(admission, old["api_key"])
    assert known is not None
    await redis_client.set(record(org, old, known), "{}")
    before = datetime.now(UTC)

    answer = await caller("POST", f"/api/v1/api-keys/{old['id']}/rotate", json={"overlap_seconds": 3600})

    successor = answer.json()
    assert answer.status_code == 201, answer.text
    same = ("name", "permissions", "requests_per_minute", "allowed_models", "project_id", "expires_at", "user_id")
    assert {name: successor[name] for name in same} == {name: old[name] for name in same}
    assert (successor["replaces"], successor["api_key"] != old["api_key"]) == (old["id"], True)
    ends = await admitted(admission, old["api_key"])
    assert ends is not None
    assert before + timedelta(seconds=3590) < ends["expires_at"] < before + timedelta(seconds=3700)
    assert await redis_client.get(record(org, old, known)) is None
    events = [event.type for event in await announced(auth_database, org.org_id)]
    assert events[-2:] == ["llmo.auth.api_key.created", "llmo.auth.api_key.rotated"]


async def test_a_key_that_ends_sooner_than_the_overlap_is_not_prolonged(org: Org, admission: Database) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    caller = Caller(org)
    old = await created(caller, expires_at=soon.isoformat())
    await caller("POST", f"/api/v1/api-keys/{old['id']}/rotate")
    known = await admitted(admission, old["api_key"])
    assert known is not None
    assert known["expires_at"] == soon


async def test_a_key_that_is_revoked_or_unknown_has_no_successor(org: Org, make_org: MakeOrg) -> None:
    caller = Caller(org)
    old = await created(caller)
    await caller("DELETE", f"/api/v1/api-keys/{old['id']}")

    assert (await caller("POST", f"/api/v1/api-keys/{old['id']}/rotate")).status_code == 409
    assert (await caller("POST", f"/api/v1/api-keys/{new_id()}/rotate")).status_code == 404
    stranger = Caller(await make_org())
    assert (await stranger("POST", f"/api/v1/api-keys/{old['id']}/rotate")).status_code == 404


async def test_rotating_is_no_way_to_a_key_that_may_do_more(org: Org) -> None:
    mighty = await created(Caller(org, permissions=frozenset(map(str, Permission))), permissions=["members:write"])
    answer = await Caller(org)("POST", f"/api/v1/api-keys/{mighty['id']}/rotate")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:permission_not_held")


@pytest.mark.parametrize("body", [{"overlap_seconds": -1}, {"overlap_seconds": 2_592_001}, {"overlap": 5}])
async def test_a_malformed_rotation_is_refused(org: Org, body: dict[str, int]) -> None:
    assert (await Caller(org)("POST", f"/api/v1/api-keys/{org.key_id}/rotate", json=body)).status_code == 422


async def test_networks_are_kept_and_published_to_the_gateway(org: Org, admission: Database) -> None:
    made = await created(Caller(org), allowed_cidrs=["203.0.113.0/24", "2001:db8::/32"])
    known = await admitted(admission, made["api_key"])
    assert known is not None
    assert made["allowed_cidrs"] == known["allowed_cidrs"] == ["203.0.113.0/24", "2001:db8::/32"]


@pytest.mark.parametrize(
    "cidrs",
    [
        ["203.0.113.1/24"],
        ["anywhere"],
        [],
        ["10.0.0.0/33"],
        ["x" * 60],
        ["fe80::1%eth0/128"],
        ["::ffff:10.0.0.0/104"],
    ],
)
async def test_what_is_no_network_is_refused(org: Org, cidrs: list[str]) -> None:
    answer = await Caller(org)("POST", "/api/v1/api-keys", json={"name": "x", "allowed_cidrs": cidrs})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (["203.0.113.128/25"], 201),
        (["203.0.113.0/24"], 201),
        (["203.0.112.0/23"], 403),
        (["198.51.100.0/24"], 403),
        (["::/0"], 403),
        (None, 403),
    ],
)
async def test_a_key_that_is_limited_to_networks_makes_keys_within_them_only(
    org: Org, wanted: list[str] | None, status: int
) -> None:
    limited = await created(Caller(org), permissions=["keys:write", "llm:call"], allowed_cidrs=["203.0.113.0/24"])
    maker = Caller(org, actor_id=UUID(limited["id"]))
    answer = await maker("POST", "/api/v1/api-keys", json={"name": "x", "allowed_cidrs": wanted})
    assert answer.status_code == status


async def test_the_list_says_when_a_key_was_last_used_and_nothing_when_nobody_knows(
    org: Org, redis_client: Redis
) -> None:
    made = await created(Caller(org))
    await redis_client.hset(f"{{{org.org_ref}}}:used", made["id"], "1764158400123")

    listed = {key["id"]: key for key in (await Caller(org)("GET", "/api/v1/api-keys")).json()["data"]}

    assert listed[made["id"]]["last_used_at"] == "2025-11-26T12:00:00.123000Z"
    assert listed[str(org.key_id)]["last_used_at"] is None


async def test_the_keys_of_a_removed_member_die_with_the_membership(
    owner: Colleague, developer: Member, org: Org, admission: Database, redis_client: Redis
) -> None:
    own = await developer.key()
    made_by_it = await created(Caller(org, actor_id=UUID((await developer.key("keys:write", "llm:call"))["id"])))
    others = await created(Caller(org))
    known = await admitted(admission, own["api_key"])
    assert known is not None
    await redis_client.set(record(org, own, known), "{}")

    assert (await owner("DELETE", f"members/{developer.who.user_id}")).status_code == 204

    for key, lives in ((own, False), (made_by_it, False), (others, True)):
        found = await admitted(admission, key["api_key"])
        assert found is not None
        assert (found["revoked_at"] is None) is lives
    assert await redis_client.get(record(org, own, known)) == b"revoked"


async def test_nobody_makes_a_key_for_themselves_once_they_have_left(owner: Colleague, developer: Member) -> None:
    await owner("DELETE", f"members/{developer.who.user_id}")
    answer = await ApiCaller(app, developer.who.principal)(
        "POST", "/api/v1/api-keys", json={"name": "late", "project_id": str(developer.project_id)}
    )
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:llmo:problem:creator_not_admitted")


async def test_a_lesser_role_narrows_a_members_own_keys_and_ends_those_that_are_left_nothing(
    owner: Colleague, developer: Member, admission: Database
) -> None:
    calls, reads = await developer.key("llm:call"), await developer.key("llm:call", "usage:read")

    assert (await owner("PATCH", f"members/{developer.who.user_id}", json={"role": "viewer"})).status_code == 200

    narrowed, ended = await admitted(admission, reads["api_key"]), await admitted(admission, calls["api_key"])
    assert narrowed is not None
    assert ended is not None
    assert (narrowed["permissions"], narrowed["revoked_at"]) == (["usage:read"], None)
    assert ended["revoked_at"] is not None
    await owner("PATCH", f"members/{developer.who.user_id}", json={"role": "admin"})
    assert (await admitted(admission, reads["api_key"]) or {})["permissions"] == ["usage:read"]


async def test_a_role_that_loses_a_permission_takes_it_from_its_members_keys(
    owner: Colleague, developer: Member, admission: Database
) -> None:
    permissions = ["llm:call", "keys:write", "usage:read"]
    await owner("POST", "roles", json={"name": "caller", "permissions": permissions})
    await owner("PATCH", f"members/{developer.who.user_id}", json={"role": "caller"})
    key = await developer.key("llm:call", "usage:read")

    assert (await owner("PATCH", "roles/caller", json={"permissions": ["llm:call"]})).status_code == 200

    assert (await admitted(admission, key["api_key"]) or {})["permissions"] == ["llm:call"]


async def account(owner: Colleague, *permissions: str) -> str:
    """A new service account's id."""
    made = await owner("POST", "service-accounts", json={"name": "Nightly", "permissions": permissions})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_a_service_accounts_key_ends_with_the_account_and_not_with_the_member_who_made_it(
    owner: Colleague, org: Org, auth_database: Database, admission: Database, redis_client: Redis
) -> None:
    account_id = await account(owner, "llm:call", "keys:write")
    admin = Member(await colleague(auth_database, org.org_id, Role.ADMIN), org.project_id)
    key = await admin.key("llm:call", "keys:write", service_account_id=account_id)
    by_it = await created(Caller(org, actor_id=UUID(key["id"])))
    assert (key["service_account_id"], key["user_id"]) == (by_it["service_account_id"], None) == (account_id, None)
    known = await admitted(admission, key["api_key"])
    assert known is not None
    await redis_client.set(record(org, key, known), "{}")

    await owner("DELETE", f"members/{admin.who.user_id}")
    assert (await admitted(admission, key["api_key"]) or {})["revoked_at"] is None
    assert (await owner("DELETE", f"service-accounts/{account_id}")).status_code == 204

    for ended in (key, by_it):
        assert (await admitted(admission, ended["api_key"]) or {})["revoked_at"] is not None
    assert await redis_client.get(record(org, key, known)) == b"revoked"


async def test_a_service_accounts_key_does_no_more_than_the_account_and_takes_a_permission_to_make(
    owner: Colleague, developer: Member, org: Org, make_org: MakeOrg
) -> None:
    account_id = await account(owner, "usage:read")
    other = await make_org()
    foreign = await account(Colleague(other.org_id, other.user_id), "llm:call")
    body = {"name": "x", "project_id": str(org.project_id), "permissions": ["llm:call"]}

    async def refused(caller: ApiCaller, of: str) -> tuple[int, str]:
        answer = await caller("POST", "/api/v1/api-keys", json={**body, "service_account_id": of})
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    boss = ApiCaller(app, owner.principal)
    assert await refused(boss, account_id) == (403, "permission_not_held")
    assert await refused(boss, foreign) == (400, "no_such_service_account")
    assert await refused(boss, str(new_id())) == (400, "no_such_service_account")
    assert await refused(ApiCaller(app, developer.who.principal), account_id) == (403, "missing_permission")
    await owner("DELETE", f"service-accounts/{account_id}")
    assert await refused(boss, account_id) == (400, "no_such_service_account")


async def test_a_service_account_makes_keys_of_its_own(owner: Colleague, org: Org) -> None:
    account_id = UUID(await account(owner, "llm:call", "keys:write"))
    itself = owner.principal.model_copy(
        update={
            "actor_type": ActorType.SERVICE_ACCOUNT,
            "actor_id": account_id,
            "session_id": None,
            "permissions": frozenset({"llm:call", "keys:write"}),
        }
    )
    key = await created(ApiCaller(app, itself), project_id=str(org.project_id))
    assert (key["service_account_id"], key["user_id"]) == (str(account_id), None)


def stale(owner: Colleague, **changed: Any) -> ApiCaller:
    """A caller whom API Gateway still takes for what they were a minute ago."""
    return ApiCaller(app, owner.principal.model_copy(update=changed))


async def test_what_somebody_lost_a_moment_ago_goes_into_no_new_key(
    owner: Colleague, developer: Member, org: Org, auth_database: Database
) -> None:
    await owner("PATCH", f"members/{developer.who.user_id}", json={"role": "viewer"})
    body = {"name": "late", "project_id": str(org.project_id), "permissions": ["llm:call"]}
    answer = await ApiCaller(app, developer.who.principal)("POST", "/api/v1/api-keys", json=body)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:permission_not_held")

    made = await created(Caller(org), permissions=["keys:write", "llm:call"])
    async with auth_database.transaction(org.org_id) as connection:
        await connection.execute("UPDATE auth.api_keys SET permissions = '{keys:write}' WHERE id = %s", (made["id"],))
    narrowed = Caller(org, actor_id=UUID(made["id"]))
    assert (await narrowed("POST", "/api/v1/api-keys", json={"name": "x"})).status_code == 403


async def test_rotating_somebody_elses_key_takes_more_than_making_ones_own(
    owner: Colleague, developer: Member, org: Org
) -> None:
    own = await developer.key("llm:call")
    colleagues = await created(Caller(org), permissions=["llm:call"])
    accounts = await created(
        ApiCaller(app, owner.principal),
        project_id=str(org.project_id),
        permissions=["llm:call"],
        service_account_id=await account(owner, "llm:call"),
    )

    async def rotated(caller: ApiCaller, key: dict[str, Any]) -> int:
        return (await caller("POST", f"/api/v1/api-keys/{key['id']}/rotate")).status_code

    theirs = ApiCaller(app, developer.who.principal)
    assert [await rotated(theirs, key) for key in (own, colleagues, accounts)] == [201, 403, 403]
    assert (
        await rotated(Caller(org, permissions=frozenset(map(str, Permission))), accounts) == 403
    )  # a key is no person
    assert [await rotated(ApiCaller(app, owner.principal), key) for key in (colleagues, accounts)] == [201, 201]


@pytest.mark.parametrize("narrow", [{"client_id": new_id()}, {"service": "api-keys"}])
async def test_what_is_lent_or_for_one_service_makes_no_keys(
    owner: Colleague, org: Org, narrow: dict[str, Any]
) -> None:
    answer = await stale(owner, **narrow)(
        "POST", "/api/v1/api-keys", json={"name": "x", "project_id": str(org.project_id)}
    )
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:credentials_not_own")


async def test_only_a_person_makes_keys_for_service_accounts(owner: Colleague, org: Org) -> None:
    body = {"name": "x", "permissions": ["llm:call"], "service_account_id": await account(owner, "llm:call")}
    answer = await Caller(org, permissions=frozenset(map(str, Permission)))("POST", "/api/v1/api-keys", json=body)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:not_in_person")
