"""`Idempotency-Key` on the HTTP API of API keys, on the real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from fastapi import Request, Response
from psycopg import errors, sql
from redis.asyncio import Redis

from auth import wiring
from auth.api import app
from auth.api_keys import wiring as api_keys_wiring
from llmo_auth.idempotency_keys import REPLAY_HEADER
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.ids import new_id
from llmo_data.idempotency import KEPT, IdempotencyRecords
from llmo_data.postgres import Database, insert
from tests.integration.auth.announcements import announced
from tests.integration.auth.calling import Caller, service
from tests.integration.organizations import PEPPER, MakeOrg, Org
from tests.integration.stores import Postgres

KEY = "order-66 once, please"
BODY = {"name": "Checkout", "requests_per_minute": 60}


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest_asyncio.fixture(autouse=True)
async def database(
    postgres: Postgres, redis_client: Redis, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    opened = Database(postgres.conninfo("llmo_auth"), max_connections=6)
    keys = service(opened, redis_client)
    repeated = RepeatedRequests(
        database=opened, records=IdempotencyRecords("auth"), secret=PEPPER.encode(), clock=clock
    )

    async def api_key_service() -> Any:
        return keys

    async def repeated_requests() -> RepeatedRequests:
        return repeated

    monkeypatch.setitem(app.dependency_overrides, api_keys_wiring.api_key_service, api_key_service)
    monkeypatch.setitem(app.dependency_overrides, wiring.repeated_requests, repeated_requests)
    yield opened
    await opened.close()


async def create(org: Org, *, key: str | None = KEY, caller: Caller | None = None, **body: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await (caller or Caller(org))("POST", "/api/v1/api-keys", json={**BODY, **body}, headers=headers)


async def count(database: Database, org: Org, table: str) -> int:
    async with database.transaction(org.org_id) as connection:
        query = sql.SQL("SELECT count(*) AS rows FROM {}").format(sql.Identifier("auth", table))
        row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row["rows"])


async def test_a_repeated_request_gets_the_first_answer_and_has_one_effect(org: Org, database: Database) -> None:
    first = await create(org)
    second = await create(org)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert json.loads(second.content)["api_key"].startswith("llmo_")
    assert (first.headers.get(REPLAY_HEADER), second.headers[REPLAY_HEADER]) == (None, "true")
    assert second.headers["content-type"] == first.headers["content-type"]
    assert await count(database, org, "api_keys") == 2
    assert len(await announced(database, org.org_id)) == 1


async def test_without_a_key_every_request_has_its_effect(org: Org, database: Database) -> None:
    first, second = await create(org, key=None), await create(org, key=None)

    assert first.json()["id"] != second.json()["id"]
    assert await count(database, org, "idempotency_keys") == 0


async def test_another_body_under_the_same_key_is_no_repetition(org: Org, database: Database) -> None:
    await create(org)

    answer = await create(org, name="Another")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:llmo:problem:idempotency_key_reused"
    assert await count(database, org, "api_keys") == 2


async def test_requests_at_the_same_time_have_one_effect(org: Org, database: Database) -> None:
    answers = await asyncio.gather(*(create(org) for _ in range(6)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(REPLAY_HEADER in answer.headers for answer in answers) == [False] + [True] * 5
    assert await count(database, org, "api_keys") == 2


async def test_a_repetition_of_a_request_that_takes_too_long_is_told_to_come_later(
    org: Org, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = IdempotencyRecords("auth", patience_seconds=0.02)
    impatient = RepeatedRequests(database=database, records=records, secret=PEPPER.encode(), clock=clock)

    async def repeated_requests() -> RepeatedRequests:
        return impatient

    monkeypatch.setitem(app.dependency_overrides, wiring.repeated_requests, repeated_requests)
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await create(org)
        under_way.set()
        await go_on.wait()

    async def first() -> None:
        async with database.transaction(org.org_id):  # which the whole request is a part of
            await slow()

    running = asyncio.create_task(first())
    await under_way.wait()
    answer = await create(org)
    go_on.set()
    await running

    assert answer.status_code == 409
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "urn:llmo:problem:request_in_progress"
    assert (await create(org)).headers[REPLAY_HEADER] == "true"


@pytest.mark.parametrize(
    ("body", "permissions", "status"),
    [
        ({"requests_per_minute": -1}, None, 422),
        ({"permissions": ["usage:read"]}, frozenset({"keys:write", "llm:call"}), 403),
        ({"project_id": str(new_id())}, None, 400),
        ({}, frozenset({"keys:read"}), 403),
    ],
)
async def test_a_request_that_failed_may_be_repeated_under_its_key(
    org: Org, database: Database, body: dict[str, Any], permissions: frozenset[str] | None, status: int
) -> None:
    caller = Caller(org) if permissions is None else Caller(org, permissions=permissions)

    assert (await create(org, caller=caller, **body)).status_code == status

    assert await count(database, org, "idempotency_keys") == 0
    assert await count(database, org, "api_keys") == 1
    assert (await create(org)).status_code == 201


async def test_after_a_day_a_key_is_free_again(org: Org, database: Database, clock: MovableClock) -> None:
    first = await create(org)
    clock.ahead = KEPT - timedelta(seconds=5)
    assert (await create(org)).content == first.content

    clock.ahead = KEPT + timedelta(seconds=5)
    answer = await create(org, name="Another")

    assert answer.status_code == 201
    assert REPLAY_HEADER not in answer.headers
    assert await count(database, org, "api_keys") == 3


async def test_the_same_key_of_somebody_else_is_another_request(org: Org, make_org: MakeOrg) -> None:
    other = await make_org()
    permissions = ["keys:read", "keys:write", "llm:call"]
    made = await create(org, key=None, permissions=permissions, requests_per_minute=600)
    colleague = Caller(org, actor_id=UUID(made.json()["id"]))

    answers = [await create(org), await create(other), await create(org, caller=colleague)]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [REPLAY_HEADER in answer.headers for answer in answers] == [False, False, False]
    assert len({answer.json()["id"] for answer in answers}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it", "caf\u00e9"])
async def test_a_malformed_key_is_refused(org: Org, database: Database, key: str) -> None:
    answer = await Caller(org)(
        "POST", "/api/v1/api-keys", json=BODY, headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:llmo:problem:malformed_idempotency_key"
    assert await count(database, org, "api_keys") == 1


async def test_neither_the_clients_key_nor_the_answer_can_be_read_in_the_database(org: Org, database: Database) -> None:
    created = (await create(org)).json()

    async with database.transaction(org.org_id) as connection:
        query = "SELECT k.*, encode(answer, 'escape') FROM auth.idempotency_keys k"
        rows = await (await connection.execute(query)).fetchall()
    kept = repr(rows)
    assert len(rows) == 1
    for secret in (KEY, created["api_key"], created["hint"], "Checkout"):
        assert secret not in kept


async def test_an_answer_that_was_tampered_with_is_given_to_nobody(org: Org, database: Database) -> None:
    await create(org)
    async with database.transaction(org.org_id) as connection:
        await connection.execute(
            "UPDATE auth.idempotency_keys SET answer = set_byte(answer, 20, 255 - get_byte(answer, 20))"
        )

    answer = await create(org)

    assert (answer.status_code, "api_key" in answer.text) == (500, False)
    assert await count(database, org, "api_keys") == 2


async def test_a_request_that_crashes_after_its_rows_leaves_nothing(
    org: Org, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr("auth.api_keys.api.IssuedApiKeyOut.of_issued", broken)
        assert (await create(org)).status_code == 500

    assert await count(database, org, "api_keys") == 1
    assert await count(database, org, "idempotency_keys") == 0
    assert await announced(database, org.org_id) == []
    assert (await create(org)).status_code == 201


async def test_an_answer_that_is_no_success_is_given_but_nothing_of_it_is_kept(
    org: Org, database: Database, clock: MovableClock
) -> None:
    records = IdempotencyRecords("auth")
    repeated = RepeatedRequests(database=database, records=records, secret=PEPPER.encode(), clock=clock)
    context = {"requestContext": {"authorizer": Caller(org).principal.to_context()}}
    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": [], "aws.event": context}

    async def body() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def refuse(_: Request) -> Response:
        async with database.transaction(org.org_id) as connection:
            row = {"id": new_id(), "org_id": org.org_id, "name": "Half done"}
            await connection.execute(*insert("auth.projects", row))
        return Response("no", status_code=402)

    answer = await repeated.answer(Request(scope, body), KEY, refuse)

    assert (answer.status_code, answer.body) == (402, b"no")
    assert await count(database, org, "projects") == 1
    assert await count(database, org, "idempotency_keys") == 0


async def test_an_organization_sees_its_own_requests_only(org: Org, make_org: MakeOrg, database: Database) -> None:
    other = await make_org()
    await create(org)

    assert await count(database, other, "idempotency_keys") == 0
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with database.transaction(other.org_id) as connection:
            await connection.execute(
                """
                INSERT INTO auth.idempotency_keys (org_id, actor_id, key_hash, request_hash, created_at, expires_at)
                VALUES (%s, %s, 'x', 'x', now(), now())
                """,
                (org.org_id, new_id()),
            )
