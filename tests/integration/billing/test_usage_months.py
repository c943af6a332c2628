"""The months that usage is kept by are made before it is needed, and dropped when they are over long enough."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, LiteralString

import pytest
import pytest_asyncio
from psycopg import AsyncConnection, errors

from billing.usage.repository import PostgresMonths
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.billing.using import Using, call
from tests.integration.stores import Postgres, administrator, migrated_database

OLD, NEW, FAR = "2024-01-15T00:00:00Z", "2031-05-31T23:59:59.999999Z", "2031-06-01T00:00:00Z"
TODAY = datetime.now(UTC)
TABLE = "billing.usage_events"


@pytest_asyncio.fixture
async def own(postgres: Postgres) -> AsyncIterator[Postgres]:
    """A database of the test's own, whose months it can move about."""
    async with migrated_database({**postgres.admin, "dbname": "postgres"}) as made:
        yield made


@pytest_asyncio.fixture
async def admin(own: Postgres) -> AsyncIterator[AsyncConnection]:
    async with administrator(own.admin) as connection:
        yield connection


@pytest_asyncio.fixture
async def database(own: Postgres) -> AsyncIterator[Database]:
    opened = Database(own.conninfo("llmo_billing"), max_connections=2)
    yield opened
    await opened.close()


async def rows(admin: AsyncConnection, statement: LiteralString, *parameters: object) -> list[Any]:
    return await (await admin.execute(statement, parameters)).fetchall()


async def arrange(admin: AsyncConnection, at: str) -> tuple[int, int]:
    [(made, dropped)] = await rows(admin, "SELECT * FROM billing.arrange_usage_months(%s)", at)
    return made, dropped


async def parts(admin: AsyncConnection) -> list[str]:
    found = await rows(admin, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", TABLE)
    return sorted(name.rpartition("_")[2] for (name,) in found)


async def where(admin: AsyncConnection) -> list[tuple[str, str]]:
    found = await rows(
        admin, "SELECT tableoid::regclass::text, to_char(occurred_at, 'YYYY-MM') FROM billing.usage_events"
    )
    return sorted((name.rpartition("_")[2], month) for name, month in found)


async def test_what_the_migration_makes_reaches_from_the_earliest_event_to_the_next_months(
    admin: AsyncConnection,
) -> None:
    first = TODAY.year * 12 + TODAY.month - 1 - 2
    expected = [f"{month // 12}{month % 12 + 1:02}" for month in range(first, first + 6)]
    assert await parts(admin) == [*expected, "other"]


async def test_what_came_before_its_month_was_made_moves_there(database: Database, admin: AsyncConnection) -> None:
    using, org_id = Using(database, new_id()), new_id()
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    await using.record(*(call(org_id, started_at=moment, end_user="ann") for moment in (NEW, FAR)))
    assert await where(admin) == [("other", "2031-05"), ("other", "2031-06")]

    made, _ = await arrange(admin, "2031-02-28T00:00:00Z")

    assert made == 12
    assert await where(admin) == [("203105", "2031-05"), ("other", "2031-06")]
    assert len(await using.kept(org_id)) == 2
    assert await rows(admin, "SELECT count(*) FROM billing.usage_values_203105") == [(1,)]
    assert await arrange(admin, "2031-02-28T00:00:00Z") == (0, 0)
    await using.record(call(org_id, started_at=NEW))
    assert len(await using.kept(org_id)) == 3


async def test_months_are_kept_for_eighteen_months_and_then_dropped(database: Database, admin: AsyncConnection) -> None:
    using, org_id = Using(database, new_id()), new_id()
    await arrange(admin, "2031-03-31T23:59:59Z")
    await using.record(*(call(org_id, started_at=moment) for moment in (OLD, NEW, FAR)))
    assert ("other", "2024-01") in await where(admin)

    assert (await arrange(admin, "2032-11-30T23:59:59Z"))[1] > 0
    assert await where(admin) == [("203105", "2031-05"), ("203106", "2031-06")]
    await arrange(admin, "2032-12-01T00:00:00Z")
    assert await where(admin) == [("203106", "2031-06")]


async def test_every_part_is_protected_as_its_table_is(admin: AsyncConnection) -> None:
    await arrange(admin, "2031-03-31T23:59:59Z")
    unprotected = await rows(
        admin,
        "SELECT relname FROM pg_class WHERE relnamespace = 'billing'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    assert unprotected == []


async def test_the_service_arranges_months_as_of_now_and_reaches_no_part_by_itself(
    database: Database,
) -> None:
    assert await PostgresMonths(database).arrange() == (0, 0)
    forbidden: list[LiteralString] = [
        "SELECT billing.arrange_usage_months('2099-01-01T00:00:00Z')",
        "SELECT billing.make_usage_month('usage_events', 'occurred_at', '2099-01-01')",
        "SELECT * FROM billing.usage_events_other",
        "DELETE FROM billing.usage_events",
        "UPDATE billing.usage_events SET received_at = now()",
        "DROP TABLE billing.usage_events",
    ]
    for statement in forbidden:
        with pytest.raises(errors.InsufficientPrivilege):
            async with database.transaction(new_id()) as connection:
                await connection.execute(statement)
