"""Whose subscriptions somebody reaches: their organization's and nobody else's, whatever the service sends."""

from typing import LiteralString

import pytest
from psycopg import errors, sql

from llmo_data.postgres import Database
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller
from tests.integration.billing.subscribing import offered, subscribed
from tests.integration.organizations import MakeOrg
from tests.integration.statements import run

pytestmark = pytest.mark.usefixtures("subscribing")
TABLES: list[LiteralString] = ["accounts", "subscriptions", "subscription_phases"]
tables = pytest.mark.parametrize("table", TABLES)
ACTIONS = ("change", "cancel", "pause", "resume")


async def test_other_organizations_have_no_such_subscription(
    operator: Caller, customer: Caller, make_org: MakeOrg
) -> None:
    made = await subscribed(customer, await offered(operator, "team", "20"))
    path = f"subscriptions/{made['id']}"
    for other in (Caller(await make_org()), operator):
        assert problem(await other("GET", path)) == (404, "unknown_subscription")
        for action in ACTIONS:
            assert problem(await other("POST", f"{path}/{action}", json={})) == (404, "unknown_subscription")
        assert await other.listed("subscriptions") == []
    assert await customer.listed("subscriptions") == [made]


async def test_whoever_may_not_write_only_looks(operator: Caller, customer: Caller, reader: Caller) -> None:
    plan = await offered(operator, "team", "20")
    made = await subscribed(customer, plan)
    path = f"subscriptions/{made['id']}"
    for action in ACTIONS:
        assert problem(await reader("POST", f"{path}/{action}", json={})) == (403, "missing_permission")
    assert problem(await reader("POST", "subscriptions", json={"plan_id": plan["id"]})) == (403, "missing_permission")
    assert (await reader("GET", path)).json() == made
    nobody = Caller(customer.org, permissions=frozenset({"usage:read"}))
    for below in ("subscriptions", path):
        assert problem(await nobody("GET", below)) == (403, "missing_permission")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("change", {"seats": 0}),
        ("change", {"seats": 1_000_001}),
        ("change", {"seats": "many"}),
        ("change", {"seats": 1.5}),
        ("change", {"when": "later"}),
        ("change", {"plan_id": "team"}),
        ("change", {"version": 0}),
        ("change", {"price": "1"}),
        ("cancel", {"when": "auto"}),
        ("cancel", {"reason": ""}),
        ("cancel", {"reason": "a\0"}),
        ("cancel", {"reason": "a" * 501}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    operator: Caller, customer: Caller, action: str, body: dict[str, object]
) -> None:
    made = await subscribed(customer, await offered(operator, "team", "20"))
    path = f"subscriptions/{made['id']}"
    assert problem(await customer("POST", f"{path}/{action}", json=body)) == (422, "malformed_request")
    assert (await customer("GET", path)).json() == made


async def test_a_request_that_is_repeated_under_its_key_starts_one(operator: Caller, customer: Caller) -> None:
    body = {"plan_id": (await offered(operator, "team", "20"))["id"]}
    headers = {"idempotency-key": "once"}
    first, second = [await customer("POST", "subscriptions", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code, first.json()) == (201, 201, second.json())
    assert first.headers["etag"] == second.headers["etag"] == '"1"'


@tables
async def test_rows_are_seen_and_written_by_their_organization_alone(
    operator: Caller, customer: Caller, billing_database: Database, table: LiteralString
) -> None:
    await subscribed(customer, await offered(operator, "team", "20"))
    async with billing_database.transaction(customer.org.org_id) as connection:
        rows = await run(connection, "SELECT * FROM billing.{}", table)
    assert {row["org_id"] for row in rows} == {customer.org.org_id}
    for org_id in (None, operator.org.org_id):
        async with billing_database.transaction(org_id) as connection:
            seen = await run(connection, "SELECT org_id FROM billing.{}", table)
        assert customer.org.org_id not in {row["org_id"] for row in seen}
    statement = sql.SQL("UPDATE {} SET org_id = org_id").format(sql.Identifier("billing", table))
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(customer.org.org_id) as connection:
            await connection.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(customer.org.org_id) as connection:
            await run(connection, "DELETE FROM billing.{}", table)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("subscriptions", "starts_on"),
        ("subscriptions", "trial_days"),
        ("subscriptions", "time_zone"),
        ("subscription_phases", "plan_id"),
        ("subscription_phases", "seats"),
        ("subscription_phases", "from_on"),
        ("subscription_phases", "cycle_starts_on"),
    ],
)
async def test_what_was_had_cannot_be_changed(
    customer: Caller, billing_database: Database, table: str, column: str
) -> None:
    change = sql.SQL("UPDATE {} SET {} = NULL").format(sql.Identifier("billing", table), sql.Identifier(column))
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(customer.org.org_id) as connection:
            await connection.execute(change)
