"""What the billing service's database role can reach, whatever SQL the service sends."""

from typing import LiteralString

import pytest
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import make_conninfo

from llmo_data.postgres import Database
from tests.integration.billing.calling import Caller, version
from tests.integration.organizations import Org
from tests.integration.statements import run
from tests.integration.stores import Postgres

TABLES: list[LiteralString] = ["meters", "plans", "plan_versions"]
tables = pytest.mark.parametrize("table", TABLES)


async def furnish(operator: Caller) -> None:
    """A draft, a plan that was a draft before, and one that was one and is archived; each with two versions."""
    await operator.meter()
    for code in ("draft", "offered", "archived"):
        plan = await operator.plan(code)
        path = f"plans/{plan['id']}"
        await operator.made(f"{path}/versions", **version())
        if code != "draft":
            await operator("POST", f"{path}/offer")
        if code == "archived":
            await operator("POST", f"{path}/archive")


async def rows(database: Database, org: Org, operator: Caller, table: LiteralString) -> list[dict[str, object]]:
    """What an organization's transaction sees of the operator's."""
    async with database.transaction(org.org_id) as connection:
        found = await run(connection, "SELECT * FROM billing.{}", table)
    return [row for row in found if row["org_id"] == operator.org.org_id]


async def test_others_see_what_was_offered_and_nothing_of_drafts(
    operator: Caller, customer: Caller, billing_database: Database
) -> None:
    await furnish(operator)
    seen = {table: await rows(billing_database, customer.org, operator, table) for table in TABLES}

    assert [row["code"] for row in seen["meters"]] == ["calls"]
    assert {row["code"] for row in seen["plans"]} == {"offered", "archived"}
    assert [row["number"] for row in seen["plan_versions"]] == [2, 2]
    assert len(await rows(billing_database, operator.org, operator, "plan_versions")) == 6


@tables
async def test_without_an_organization_there_are_no_rows(
    operator: Caller, billing_database: Database, table: LiteralString
) -> None:
    await furnish(operator)
    async with billing_database.transaction() as connection:
        assert await run(connection, "SELECT org_id FROM billing.{}", table) == []


@tables
async def test_rows_cannot_be_written_for_another_organization(
    operator: Caller, customer: Caller, billing_database: Database, table: LiteralString
) -> None:
    await furnish(operator)
    columns = [*(await rows(billing_database, operator.org, operator, table))[0]]
    copy = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {0}").format(
        sql.Identifier("billing", table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with billing_database.transaction(customer.org.org_id) as connection:
            await connection.execute(copy)


async def test_nobody_changes_what_is_offered_by_another(
    operator: Caller, customer: Caller, billing_database: Database
) -> None:
    await furnish(operator)
    async with billing_database.transaction(customer.org.org_id) as connection:
        changed = await connection.execute("UPDATE billing.plans SET archived_at = now(), offered_from = NULL")
        assert changed.rowcount == 0
        locked = await connection.execute("SELECT id FROM billing.plans FOR UPDATE")
        assert await locked.fetchall() == []


@tables
async def test_the_service_cannot_delete(operator: Caller, billing_database: Database, table: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(operator.org.org_id) as connection:
            await run(connection, "DELETE FROM billing.{}", table)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("meters", "definition"),
        ("meters", "code"),
        ("plan_versions", "definition"),
        ("plan_versions", "number"),
        ("plans", "code"),
        ("plans", "org_id"),
        ("plans", "created_by"),
    ],
)
async def test_what_never_changes_cannot_be_changed(
    operator: Caller, billing_database: Database, table: str, column: str
) -> None:
    change = sql.SQL("UPDATE {} SET {} = NULL").format(sql.Identifier("billing", table), sql.Identifier(column))
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(operator.org.org_id) as connection:
            await connection.execute(change)


async def test_billing_and_the_other_services_see_nothing_of_each_other(postgres: Postgres) -> None:
    for role, table in (
        ("llmo_auth", "billing.plans"),
        ("llmo_integration", "billing.plans"),
        ("llmo_relay", "billing.plans"),
        ("llmo_billing", "auth.organizations"),
        ("llmo_billing", "integration.providers"),
    ):
        conninfo = make_conninfo("", **postgres.conninfo(role))
        async with await AsyncConnection.connect(conninfo) as connection:
            with pytest.raises(errors.InsufficientPrivilege):
                await connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split("."))))
