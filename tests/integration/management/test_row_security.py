"""What the integration service's database role can reach, whatever SQL the service sends."""

from typing import LiteralString

import pytest
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import make_conninfo

from llmo_data.postgres import Database, one
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Worker
from tests.integration.organizations import Org
from tests.integration.statements import run
from tests.integration.stores import Postgres

TABLES: list[LiteralString] = [
    "providers",
    "models",
    "model_prices",
    "routes",
    "budgets",
    "limits",
    "organization_settings",
    "policies",
    "cache_purges",
    "prompts",
    "prompt_versions",
    "guardrails",
    "content_logging",
    "webhooks",
    "webhook_deliveries",
]
tables = pytest.mark.parametrize("table", TABLES)
PRICE = {"effective_from": "2099-01-01T00:00:00Z", "input_mtok": "1", "output_mtok": "2"}


async def furnish(caller: Caller, management: Management) -> None:
    """One row in every table."""
    model = await caller.model(await caller.provider())
    await caller("PUT", f"models/{model['id']}/prices", json=PRICE)
    await caller.route("chat", "fast")
    await caller.budget()
    await caller.limit(requests_per_minute=1)
    await caller("PUT", "settings", json={"time_zone": "Asia/Tokyo"})
    await caller("PUT", "policies/default", json={})
    await caller("POST", "cache/purges", json={})
    await caller.prompt("support", {"messages": [{"role": "user", "content": "Hello"}]})
    await caller.webhook()
    await Worker(management).told(caller.org)
    made = await caller("POST", "guardrails", json={"name": "g", "kind": "deny", "action": "block", "words": ["x"]})
    assert made.status_code == 201
    await caller("PUT", f"logs/settings/{caller.org.project_id}", json={})


@tables
async def test_an_organization_sees_its_own_rows_only(
    caller: Caller, stranger: Caller, management: Management, integration_database: Database, table: LiteralString
) -> None:
    await furnish(caller, management)
    await furnish(stranger, management)
    async with integration_database.transaction(caller.org.org_id) as connection:
        rows = await run(connection, "SELECT org_id FROM integration.{}", table)
    assert [row["org_id"] for row in rows] == [caller.org.org_id]


@tables
async def test_without_an_organization_there_are_no_rows(
    caller: Caller, management: Management, integration_database: Database, table: LiteralString
) -> None:
    await furnish(caller, management)
    async with integration_database.transaction() as connection:
        assert await run(connection, "SELECT org_id FROM integration.{}", table) == []


@tables
async def test_rows_cannot_be_written_for_another_organization(
    caller: Caller, stranger: Caller, management: Management, integration_database: Database, table: LiteralString
) -> None:
    await furnish(caller, management)
    async with integration_database.transaction(caller.org.org_id) as connection:
        columns = [*(await run(connection, "SELECT * FROM integration.{}", table))[0]]
    values = [sql.Literal(stranger.org.org_id) if column == "org_id" else sql.Identifier(column) for column in columns]
    copy = sql.SQL("INSERT INTO {0} ({1}) SELECT {2} FROM {0}").format(
        sql.Identifier("integration", table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
    )
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with integration_database.transaction(caller.org.org_id) as connection:
            await connection.execute(copy)


@tables
async def test_the_service_cannot_delete(caller: Caller, integration_database: Database, table: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with integration_database.transaction(caller.org.org_id) as connection:
            await run(connection, "DELETE FROM integration.{}", table)


async def test_of_webhooks_that_wait_everybody_sees_whose_they_are_and_no_more(
    caller: Caller, management: Management, integration_database: Database
) -> None:
    await furnish(caller, management)
    async with integration_database.transaction() as connection:
        rows = await run(connection, "SELECT * FROM integration.{}", "waiting_webhooks")
    [mine] = [row for row in rows if row["org_id"] == caller.org.org_id]
    assert mine.keys() == {"webhook_id", "org_id", "next_attempt_at", "leased_until", "failing"}
    for column in ("url", "secret", "data_key"):
        with pytest.raises(errors.UndefinedColumn):
            async with integration_database.transaction() as connection:
                await run(connection, "SELECT {} FROM integration.waiting_webhooks", column)


async def test_a_model_cannot_be_of_another_organizations_provider(
    caller: Caller, stranger: Caller, integration_database: Database
) -> None:
    theirs = await stranger.provider()
    await caller.model(await caller.provider())
    with pytest.raises(errors.ForeignKeyViolation):
        async with integration_database.transaction(caller.org.org_id) as connection:
            await connection.execute("UPDATE integration.models SET provider_id = %s", (theirs["id"],))


async def test_a_price_that_was_given_stays_one_of_its_model_and_moment(
    caller: Caller, integration_database: Database
) -> None:
    for column in ("model_id", "org_id", "effective_from"):
        with pytest.raises(errors.InsufficientPrivilege):
            async with integration_database.transaction(caller.org.org_id) as connection:
                await run(connection, "UPDATE integration.model_prices SET {0} = {0}", column)


@pytest.mark.parametrize("table", ["budgets", "limits"])
async def test_whom_a_budget_or_a_limit_is_for_stays(
    caller: Caller, management: Management, integration_database: Database, table: LiteralString
) -> None:
    await furnish(caller, management)
    for column in ("scope", "subject", "org_id", "created_by"):
        change = sql.SQL("UPDATE {} SET {} = NULL").format(sql.Identifier("integration", table), sql.Identifier(column))
        with pytest.raises(errors.InsufficientPrivilege):
            async with integration_database.transaction(caller.org.org_id) as connection:
                await connection.execute(change)


async def test_the_service_reads_references_of_organizations_and_nothing_else_of_auth(
    org: Org, integration_database: Database
) -> None:
    async with integration_database.transaction() as connection:
        row = await one(connection, "SELECT * FROM auth.admission_organizations WHERE org_id = %(id)s", id=org.org_id)
    assert row == {"org_id": org.org_id, "org_ref": org.org_ref, "closed_at": None}
    with pytest.raises(errors.InsufficientPrivilege):
        async with integration_database.transaction(org.org_id) as connection:
            await one(connection, "SELECT id FROM auth.organizations")
    with pytest.raises(errors.InsufficientPrivilege):
        async with integration_database.transaction() as connection:
            await connection.execute("UPDATE auth.admission_organizations SET org_ref = 'x'")


async def test_the_auth_service_sees_nothing_of_the_integration_services(postgres: Postgres) -> None:
    conninfo = make_conninfo("", **postgres.conninfo("llmo_auth"))
    async with await AsyncConnection.connect(conninfo) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            await connection.execute("SELECT id FROM integration.providers")
