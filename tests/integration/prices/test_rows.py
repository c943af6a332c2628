"""Who may do what with stored editions."""

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from integration.price_editions import packaged_tables, stored
from integration.price_tables.repository import PostgresPriceTables
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.stores import Postgres


async def test_an_edition_comes_back_as_it_was_kept(postgres: Postgres) -> None:
    kept = stored(SystemClock().now(), packaged_tables())
    database = Database(postgres.conninfo("llmo_integration"))
    rows = PostgresPriceTables(database, source="https://example.com", clock=SystemClock())
    try:
        await rows.add(kept, edition_id=new_id(), accepted=False)
        found = await rows.newest()
    finally:
        await database.close()
    assert found == kept
    assert found.is_whole


@pytest.mark.parametrize("statement", ["UPDATE {} SET accepted = true", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_service_changes_and_deletes_no_edition(postgres: Postgres, statement: str) -> None:
    table = sql.Identifier("integration", "price_tables")
    with (
        psycopg.connect(make_conninfo("", **postgres.conninfo("llmo_integration"))) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(statement).format(table))


@pytest.mark.parametrize("role", ["llmo_auth", "llmo_authorizer", "llmo_relay"])
def test_no_other_service_reads_editions(postgres: Postgres, role: str) -> None:
    with (
        psycopg.connect(make_conninfo("", **postgres.conninfo(role))) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT version FROM integration.price_tables")
