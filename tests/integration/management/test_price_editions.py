"""Which edition of the price table is in force, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo

from integration.price_editions import StoredEdition, packaged, packaged_tables, stored
from integration.price_tables.repository import PostgresPriceTables
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller
from tests.integration.organizations import Org
from tests.integration.stores import Postgres

PACKAGED = {"version": packaged().version, "dated": "2026-11-10T00:00:00Z", "origin": "packaged"}


def edition(days: int) -> StoredEdition:
    """The packaged prices, so many days newer."""
    return stored(packaged().dated + timedelta(days=days), packaged_tables())


@pytest_asyncio.fixture
async def rows(integration_database: Database, postgres: Postgres) -> AsyncIterator[PostgresPriceTables]:
    yield PostgresPriceTables(integration_database, source="https://example.com", clock=SystemClock())
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        await connection.execute("DELETE FROM integration.price_tables")


async def test_until_prices_are_refreshed_it_is_the_packaged_one(caller: Caller) -> None:
    answer = await caller("GET", "models/prices")
    assert (answer.status_code, answer.json()) == (200, PACKAGED)


async def test_then_it_is_the_newest_one(caller: Caller, rows: PostgresPriceTables) -> None:
    for days in (2, 1):
        await rows.add(edition(days), edition_id=new_id(), accepted=False)
    shown = (await caller("GET", "models/prices")).json()
    assert shown == {"version": edition(2).name.version, "dated": "2026-11-12T00:00:00Z", "origin": "refreshed"}


async def test_one_that_is_older_than_the_packaged_one_is_not_in_force(
    caller: Caller, rows: PostgresPriceTables
) -> None:
    await rows.add(edition(-1), edition_id=new_id(), accepted=False)
    assert (await caller("GET", "models/prices")).json() == PACKAGED


@pytest.mark.parametrize("permissions", [frozenset[str](), frozenset({"budgets:read"})])
async def test_whoever_may_not_read_models_does_not_learn_it(
    management: object, org: Org, permissions: frozenset[str]
) -> None:
    assert management
    assert (await Caller(org, permissions=permissions)("GET", "models/prices")).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nobody_changes_it_here(caller: Caller, method: str) -> None:
    assert (await caller(method, "models/prices", json={})).status_code in {405, 422}
