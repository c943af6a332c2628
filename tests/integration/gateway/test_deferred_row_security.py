"""What the integration service's database role can reach of files, batches and lines, whatever SQL it sends."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import pytest
import pytest_asyncio
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from llmo_core.ids import new_id
from llmo_data.postgres import Connection, Database, insert
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEPT: list[LiteralString] = ["files", "batches", "provider_batches"]
TABLES: list[LiteralString] = [*KEPT, "batch_lines"]  # lines are deleted when their batch has ended
tables = pytest.mark.parametrize("table", TABLES)


@pytest_asyncio.fixture(scope="session")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """The database as the integration service's role sees it."""
    database = Database(postgres.conninfo("llmo_integration"), max_connections=4)
    yield database
    await database.close()


async def run(connection: Connection, statement: LiteralString, table: LiteralString) -> list[dict[str, Any]]:
    named = sql.SQL(statement).format(sql.Identifier("integration", table))
    cursor = await connection.execute(named)
    return await cursor.fetchall() if cursor.description else []


async def furnish(database: Database, org: Org) -> None:
    """One row in every table."""
    whose = {"org_id": org.org_id, "project_id": org.project_id, "key_id": org.key_id}
    times = {"created_at": NOW, "expires_at": NOW + timedelta(days=1)}
    file = {"id": new_id(), **whose, "filename": "a", "bytes": 1, "purpose": "batch", **times}
    batch = {"id": new_id(), **whose, "endpoint": "/v1/embeddings", "input_file_id": file["id"], **times}
    kept = {"completion_window": "24h", "headers": Jsonb({}), "single": False, "status": "in_progress", "wakes_at": NOW}
    handed = {"id": new_id(), "org_id": org.org_id, "batch_id": batch["id"], "target": Jsonb({}), "created_at": NOW}
    line = {"org_id": org.org_id, "batch_id": batch["id"], "position": 1, "custom_id": "a", "call_id": new_id()}
    rows = {
        "files": file,
        "batches": {**batch, **kept},
        "provider_batches": handed,
        "batch_lines": {**line, "body": "{}", "provider_batch_id": handed["id"]},
    }
    async with database.transaction(org.org_id) as connection:
        for table, row in rows.items():
            await connection.execute(*insert(f"integration.{table}", row))


@pytest_asyncio.fixture
async def stranger(make_org: MakeOrg) -> Org:
    return await make_org()


@tables
async def test_an_organization_sees_its_own_rows_only(
    database: Database, org: Org, stranger: Org, table: LiteralString
) -> None:
    await furnish(database, org)
    await furnish(database, stranger)

    async with database.transaction(org.org_id) as connection:
        rows = await run(connection, "SELECT org_id FROM {}", table)

    assert [row["org_id"] for row in rows] == [org.org_id]


@tables
async def test_without_an_organization_there_are_no_rows(database: Database, org: Org, table: LiteralString) -> None:
    await furnish(database, org)

    async with database.transaction() as connection:
        assert await run(connection, "SELECT org_id FROM {}", table) == []


@tables
async def test_rows_cannot_be_written_for_another_organization(
    database: Database, org: Org, stranger: Org, table: LiteralString
) -> None:
    await furnish(database, org)
    async with database.transaction(org.org_id) as connection:
        columns = [*(await run(connection, "SELECT * FROM {}", table))[0]]
    values = [sql.Literal(stranger.org_id) if column == "org_id" else sql.Identifier(column) for column in columns]
    copy = sql.SQL("INSERT INTO {0} ({1}) SELECT {2} FROM {0}").format(
        sql.Identifier("integration", table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
    )

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with database.transaction(org.org_id) as connection:
            await connection.execute(copy)


@pytest.mark.parametrize("table", KEPT)
async def test_the_service_cannot_delete(database: Database, org: Org, table: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with database.transaction(org.org_id) as connection:
            await run(connection, "DELETE FROM {}", table)


async def test_of_batches_that_wait_everybody_sees_whose_they_are_and_no_more(database: Database, org: Org) -> None:
    await furnish(database, org)

    async with database.transaction() as connection:
        rows = await run(connection, "SELECT * FROM {}", "open_batches")

    (mine,) = [row for row in rows if row["org_id"] == org.org_id]
    assert mine.keys() == {"id", "org_id", "wakes_at", "leased_until"}
    with pytest.raises(errors.InsufficientPrivilege):
        async with database.transaction() as connection:
            await connection.execute("UPDATE integration.open_batches SET wakes_at = NULL")
