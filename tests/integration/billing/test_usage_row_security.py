"""Nobody reaches what another organization used, whatever SQL the service sends."""

from typing import LiteralString

import pytest
from psycopg import errors, sql

from billing.usage.models import ReportedEvent
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.billing.calling import Caller
from tests.integration.billing.using import NOW, Using, call
from tests.integration.statements import run
from tests.integration.stores import Postgres, administrator

TABLES: list[LiteralString] = ["usage_events", "usage_values", "usage_counts", "reported_usage", "inbox"]
tables = pytest.mark.parametrize("table", TABLES)


async def use(using: Using, customer: Caller) -> None:
    """A row in every table."""
    await using.make()
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    await using.make(code="pages", event="page.rendered")
    await using.record(call(customer.org.org_id, end_user="ann"))
    reported = ReportedEvent(id="a", name="page.rendered", occurred_at=None, fields={})
    await (await using.reporting()).report(customer.org.org_id, [reported])


async def rows(database: Database, caller: Caller, table: LiteralString) -> list[dict[str, object]]:
    async with database.transaction(caller.org.org_id) as connection:
        return await run(connection, "SELECT * FROM billing.{}", table)


@tables
async def test_an_organization_sees_its_own_usage_only(
    using: Using, customer: Caller, operator: Caller, table: LiteralString
) -> None:
    await use(using, customer)
    assert {row["org_id"] for row in await rows(using.database, customer, table)} == {customer.org.org_id}
    assert await rows(using.database, operator, table) == []
    async with using.database.transaction() as connection:
        assert await run(connection, "SELECT org_id FROM billing.{}", table) == []


@tables
async def test_usage_cannot_be_written_for_another_organization(
    using: Using, customer: Caller, operator: Caller, table: LiteralString
) -> None:
    await use(using, customer)
    row = (await rows(using.database, customer, table))[0]
    async with using.database.transaction(operator.org.org_id) as connection:
        values = sql.SQL(", ").join(
            sql.SQL("{}::text::jsonb").format("{}") if isinstance(value, dict) else sql.Literal(value)
            for value in row.values()
        )
        copy = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier("billing", table), sql.SQL(", ").join(map(sql.Identifier, row)), values
        )
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            async with connection.transaction():
                await connection.execute(copy)


@tables
async def test_the_service_cannot_delete_usage(using: Using, customer: Caller, table: LiteralString) -> None:
    await use(using, customer)
    with pytest.raises(errors.InsufficientPrivilege):
        async with using.database.transaction(customer.org.org_id) as connection:
            await run(connection, "DELETE FROM billing.{}", table)


@pytest.mark.parametrize(
    ("table", "column"),
    [("usage_events", "fields"), ("usage_values", "value"), ("usage_counts", "slot"), ("reported_usage", "expires_at")],
)
async def test_what_was_used_cannot_be_changed_afterwards(
    using: Using, customer: Caller, table: str, column: str
) -> None:
    change = sql.SQL("UPDATE {} SET {} = NULL").format(sql.Identifier("billing", table), sql.Identifier(column))
    with pytest.raises(errors.InsufficientPrivilege):
        async with using.database.transaction(customer.org.org_id) as connection:
            await connection.execute(change)


async def test_the_relay_forgets_reported_ids_and_reads_none(
    using: Using, customer: Caller, postgres: Postgres
) -> None:
    await use(using, customer)
    relay = Database(postgres.conninfo("llmo_relay"))
    async with relay.transaction() as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            async with connection.transaction():
                await connection.execute("SELECT reported_id FROM billing.reported_usage")
        await connection.execute("DELETE FROM billing.reported_usage WHERE expires_at < %s", (NOW,))
        kept = await connection.execute("SELECT expires_at FROM billing.reported_usage")
        assert len(await kept.fetchall()) >= 1
    await relay.close()


async def test_a_slot_of_no_quarter_of_an_hour_is_none(using: Using, postgres: Postgres) -> None:
    assert using.operator_id is not None
    async with administrator(postgres.admin) as admin:
        with pytest.raises(errors.CheckViolation):
            await admin.execute(
                "INSERT INTO billing.usage_counts (org_id, meter_id, slot, total, events)"
                " VALUES (%s, %s, '2026-11-27T12:01:00Z', 0, 1)",
                (new_id(), new_id()),
            )
