"""The HTTP API of API keys on the real stores."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.api import app
from auth.api_keys import wiring
from auth.api_keys.service import ApiKeyService
from llmo_auth import api_key
from llmo_data import redis
from llmo_data.postgres import Database
from tests.integration.auth.calling import Caller, service
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import Postgres


@pytest.fixture(autouse=True)
def real_stores(auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wired = service(auth_database, redis_client)

    async def api_key_service() -> ApiKeyService:
        return wired

    monkeypatch.setitem(app.dependency_overrides, wiring.api_key_service, api_key_service)


@pytest_asyncio.fixture
async def admission(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the gateway sees it."""
    database = Database(postgres.conninfo("llmo_integration"))
    yield database
    await database.close()


async def admitted(admission: Database, text: str) -> dict[str, Any] | None:
    """What the gateway would find in the database for a key."""
    key = api_key.parse(text)
    assert key is not None
    async with admission.transaction() as connection:
        cursor = await connection.execute(
            "SELECT * FROM auth.admission_keys WHERE key_hash = %s", (key.digest(PEPPER.encode()),)
        )
        return await cursor.fetchone()


async def test_a_new_key_is_admitted_with_exactly_the_limits_it_was_given(org: Org, admission: Database) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    answer = await Caller(org)(
        "POST",
        "/api/v1/api-keys",
        json={
            "name": "Checkout",
            "requests_per_minute": 60,
            "tokens_per_minute": 9000,
            "monthly_budget_usd": "12.345678901234",
            "allowed_models": ["gpt-4o-mini"],
            "expires_at": expires_at.isoformat(),
        },
    )

    assert answer.status_code == 201
    assert answer.json()["monthly_budget_usd"] == "12.345678901234"
    found = await admitted(admission, answer.json()["api_key"])
    assert found is not None
    assert str(found.pop("key_budget_usd")) == "12.345678901234"
    assert found == {
        "key_hash": found["key_hash"],
        "key_id": found["key_id"],
        "org_id": org.org_id,
        "org_ref": org.org_ref,
        "project_id": org.project_id,
        "permissions": ["llm:call"],
        "requests_per_minute": 60,
        "tokens_per_minute": 9000,
        "allowed_models": ["gpt-4o-mini"],
        "project_budget_usd": None,
        "org_budget_usd": None,
        "expires_at": expires_at,
        "revoked_at": None,
        "allowed_cidrs": None,
    }


async def test_the_keys_text_is_stored_nowhere(org: Org, auth_database: Database) -> None:
    created = (await Caller(org)("POST", "/api/v1/api-keys", json={"name": "Secret"})).json()

    async with auth_database.transaction(org.org_id) as connection:
        rows = await (await connection.execute("SELECT row_to_json(k)::text AS row FROM auth.api_keys k")).fetchall()
    assert rows
    assert all(created["api_key"] not in row["row"] for row in rows)


async def test_nobody_gives_a_key_permissions_they_do_not_have(org: Org) -> None:
    caller = Caller(org, permissions=frozenset({"keys:write", "llm:call"}))

    answer = await caller("POST", "/api/v1/api-keys", json={"name": "x", "permissions": ["llm:call", "usage:read"]})

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:llmo:problem:permission_not_held"
    assert "usage:read" in answer.json()["detail"]


async def test_a_key_cannot_be_put_into_another_organizations_project(org: Org, make_org: MakeOrg) -> None:
    other = await make_org()

    answer = await Caller(org)("POST", "/api/v1/api-keys", json={"name": "x", "project_id": str(other.project_id)})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:unknown_project")


async def test_a_key_cannot_expire_in_the_past(org: Org) -> None:
    answer = await Caller(org)("POST", "/api/v1/api-keys", json={"name": "x", "expires_at": "2020-01-01T00:00:00Z"})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:expiry_in_the_past")


async def test_a_limited_key_cannot_make_one_without_limits(make_org: MakeOrg) -> None:
    org = await make_org(requests_per_minute=60, allowed_models=["gpt-4o-mini"])
    within = {"name": "x", "requests_per_minute": 60, "allowed_models": ["gpt-4o-mini"]}

    refused = await Caller(org)("POST", "/api/v1/api-keys", json={"name": "x"})
    created = await Caller(org)("POST", "/api/v1/api-keys", json=within)

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:llmo:problem:limit_beyond_own")
    assert created.status_code == 201


async def test_a_revoked_key_makes_no_successor_while_the_front_door_still_lets_it_through(org: Org) -> None:
    caller = Caller(org)
    await caller("DELETE", f"/api/v1/api-keys/{org.key_id}")

    answer = await caller("POST", "/api/v1/api-keys", json={"name": "Successor"})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:llmo:problem:creator_not_admitted")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("permissions", []),
        ("permissions", ["everything"]),
        ("requests_per_minute", 0),
        ("tokens_per_minute", -1),
        ("requests_per_minute", 2**31),
        ("monthly_budget_usd", "-0.01"),
        ("monthly_budget_usd", "9000001"),
        ("monthly_budget_usd", "0.0000000000001"),
        ("allowed_models", []),
        ("expires_at", "2099-01-01T00:00:00"),
        ("expires_at", "9999-12-31T23:59:59-14:00"),
        ("surprise", 1),
    ],
)
async def test_a_malformed_field_is_named(org: Org, field: str, value: object) -> None:
    answer = await Caller(org)("POST", "/api/v1/api-keys", json={"name": "x"} | {field: value})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["pointer"].split("/")[2] for error in answer.json()["errors"]} == {field}


async def test_pages_follow_each_other_without_gaps_or_repeats(org: Org) -> None:
    caller = Caller(org)
    for number in range(4):
        await caller("POST", "/api/v1/api-keys", json={"name": f"Key {number}"})

    names, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await caller("GET", "/api/v1/api-keys", params=params)).json()
        names += [key["name"] for key in page["data"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert names == ["Key 3", "Key 2", "Key 1", "Key 0", "First key"]
    assert pages == 3


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "ä"])
async def test_a_cursor_that_was_not_given_out_is_refused(org: Org, cursor: str) -> None:
    answer = await Caller(org)("GET", "/api/v1/api-keys", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:malformed_cursor")


@pytest.mark.parametrize("limit", [0, 101])
async def test_a_page_has_1_to_100_keys(org: Org, limit: int) -> None:
    assert (await Caller(org)("GET", "/api/v1/api-keys", params={"limit": limit})).status_code == 422


async def test_other_organizations_keys_are_not_listed(org: Org, make_org: MakeOrg) -> None:
    await make_org()

    listed = (await Caller(org)("GET", "/api/v1/api-keys")).json()["data"]

    assert [key["id"] for key in listed] == [str(org.key_id)]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/api/v1/api-keys", "keys:write"),
        ("POST", "/api/v1/api-keys", "keys:read"),
        ("DELETE", "/api/v1/api-keys/01980a5e-7c00-7000-8000-000000000004", "keys:read"),
    ],
)
async def test_each_operation_needs_its_permission(org: Org, method: str, path: str, permission: str) -> None:
    answer = await Caller(org, permissions=frozenset({permission}))(method, path, json={"name": "x"})

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:missing_permission")


async def test_a_revoked_key_is_refused_at_once(org: Org, admission: Database, redis_client: Redis) -> None:
    record = f"{{{org.org_ref}}}:key:{org.key_hash}"
    await redis_client.set(record, b"what the gateway remembers of the key")

    answer = await Caller(org)("DELETE", f"/api/v1/api-keys/{org.key_id}")

    assert answer.status_code == 204
    row = await admitted(admission, org.api_key)
    assert row is not None
    assert row["revoked_at"] is not None
    assert await redis_client.get(record) == b"revoked"
    assert 86_000 < await redis_client.ttl(record) <= 86_400


async def test_a_gateway_that_read_the_row_before_the_revocation_cannot_bring_the_key_back(
    org: Org, redis_client: Redis
) -> None:
    record = f"{{{org.org_ref}}}:key:{org.key_hash}"
    await Caller(org)("DELETE", f"/api/v1/api-keys/{org.key_id}")

    await redis_client.set(record, b"the row as it was", nx=True)

    assert await redis_client.get(record) == b"revoked"


async def test_a_second_revocation_keeps_the_first_time(org: Org, admission: Database) -> None:
    caller = Caller(org)
    await caller("DELETE", f"/api/v1/api-keys/{org.key_id}")
    first = await admitted(admission, org.api_key)

    answer = await caller("DELETE", f"/api/v1/api-keys/{org.key_id}")

    assert answer.status_code == 204
    assert await admitted(admission, org.api_key) == first


async def test_without_redis_a_revocation_reports_no_success_and_can_be_finished_later(
    org: Org, auth_database: Database, admission: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = redis.connect("redis://127.0.0.1:1/0")

    async def without_redis() -> ApiKeyService:
        return service(auth_database, nobody)

    with monkeypatch.context() as patch:
        patch.setitem(app.dependency_overrides, wiring.api_key_service, without_redis)
        answer = await Caller(org)("DELETE", f"/api/v1/api-keys/{org.key_id}")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:llmo:problem:revocation_unfinished")
    assert "safe" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "1"
    row = await admitted(admission, org.api_key)
    assert row is not None
    assert row["revoked_at"] is not None

    again = await Caller(org)("DELETE", f"/api/v1/api-keys/{org.key_id}")

    assert again.status_code == 204
    assert await redis_client.get(f"{{{org.org_ref}}}:key:{org.key_hash}") == b"revoked"
    await nobody.aclose()


async def test_another_organizations_key_is_not_found_and_stays_valid(
    org: Org, make_org: MakeOrg, admission: Database, redis_client: Redis
) -> None:
    other = await make_org()

    answer = await Caller(org)("DELETE", f"/api/v1/api-keys/{other.key_id}")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:unknown_key")
    row = await admitted(admission, other.api_key)
    assert row is not None
    assert row["revoked_at"] is None
    assert not await redis_client.exists(f"{{{other.org_ref}}}:key:{other.key_hash}")
