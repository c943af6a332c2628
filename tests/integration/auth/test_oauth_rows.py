"""What the database shows of service accounts, applications and codes, whatever SQL is sent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors
from psycopg.conninfo import make_conninfo

from llmo_data.postgres import Database
from relay.repository import PostgresSchemas
from tests.integration.auth.announcements import BusDown
from tests.integration.auth.oauth_server import Browser, Server, asked
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres

OF_ORGANIZATIONS: tuple[LiteralString, ...] = (
    "auth.service_accounts",
    "auth.service_account_secrets",
    "auth.oauth_clients",
)
OF_PEOPLE: tuple[LiteralString, ...] = ("auth.authorization_requests", "auth.authorization_codes")


async def count(database: Database, table: LiteralString, *, served: Server | None = None) -> int:
    """How many rows there are for the server's organization, or for nobody."""
    async with database.transaction(served.house.org_id if served is not None else None) as connection:
        row = await (await connection.execute(b"SELECT count(*) AS rows FROM " + table.encode())).fetchone()
    assert row is not None
    return int(row["rows"])


@pytest.mark.parametrize("table", OF_ORGANIZATIONS)
async def test_an_organization_sees_its_own_rows_only(
    served: Server, auth_database: Database, make_org: MakeOrg, table: LiteralString
) -> None:
    await served.account()
    await served.application()
    other = await make_org()

    assert await count(auth_database, table, served=served) == 1
    assert await count(auth_database, table) == 0
    async with auth_database.transaction(other.org_id) as connection:
        assert await (await connection.execute(b"SELECT 1 FROM " + table.encode())).fetchall() == []


@pytest.mark.parametrize("table", OF_PEOPLE)
async def test_nobody_sees_requests_and_codes_who_does_not_show_them(
    served: Server, auth_database: Database, table: LiteralString
) -> None:
    client = await served.application()
    await Browser(served).get(asked(client))
    await served.code(client)

    assert await count(auth_database, table) == 0
    assert await count(auth_database, table, served=served) == 0


async def test_a_secret_of_one_organization_cannot_be_put_beside_an_account_of_another(
    served: Server, auth_database: Database, make_org: MakeOrg
) -> None:
    account, other = await served.account(), await make_org()
    statement = """
        INSERT INTO auth.service_account_secrets (id, account_id, org_id, secret_hash, hint, created_at)
        VALUES (gen_random_uuid(), %s, %s, repeat('0', 64), 'abcd', now())
        """
    with pytest.raises(errors.ForeignKeyViolation):
        async with auth_database.transaction(other.org_id) as connection:
            await connection.execute(statement, (account["id"], other.org_id))
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with auth_database.transaction(other.org_id) as connection:
            await connection.execute(statement, (account["id"], served.house.org_id))


async def test_the_auth_service_cannot_give_an_account_more_or_move_it(served: Server, auth_database: Database) -> None:
    await served.account()
    for change in (b"permissions = '{org:write}'", b"org_id = gen_random_uuid()"):
        with pytest.raises(errors.InsufficientPrivilege):
            async with auth_database.transaction(served.house.org_id) as connection:
                await connection.execute(b"UPDATE auth.service_accounts SET " + change)


@pytest.mark.parametrize("table", [*OF_ORGANIZATIONS, *OF_PEOPLE])
async def test_the_authorizer_reads_no_table(authorizer_database: Database, table: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        await count(authorizer_database, table)


async def test_accounts_of_a_closed_organization_are_not_admitted(
    served: Server, authorizer_database: Database, postgres: Postgres
) -> None:
    account = await served.account()
    statement = "SELECT account_id FROM auth.admission_service_accounts WHERE account_id = %s"
    async with authorizer_database.transaction() as connection:
        assert len(await (await connection.execute(statement, (account["id"],))).fetchall()) == 1

    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as admin:
        await admin.execute("SELECT set_config('app.org_id', %s, true)", (str(served.house.org_id),))
        await admin.execute("UPDATE auth.organizations SET closed_at = now() WHERE id = %s", (served.house.org_id,))

    async with authorizer_database.transaction() as connection:
        assert await (await connection.execute(statement, (account["id"],))).fetchall() == []


@pytest_asyncio.fixture
async def relay_database(postgres: Postgres) -> AsyncIterator[Database]:
    database = Database(postgres.conninfo("llmo_relay"))
    yield database
    await database.close()


async def test_what_has_expired_is_forgotten_and_a_code_not_before_a_day(
    served: Server, auth_database: Database, relay_database: Database
) -> None:
    client = await served.application()
    await Browser(served).get(asked(client))
    code = await served.code(client)
    assert (await served.exchange(client, code)).status_code == 200
    schemas, now = PostgresSchemas(relay_database, BusDown), served.clock.now()

    await schemas.forget(events_before=now, requests_before=now + timedelta(hours=23))
    assert (await served.exchange(client, code)).status_code == 400
    codes = await _codes(auth_database, served)
    await schemas.forget(events_before=now, requests_before=now + timedelta(hours=25))

    assert codes == 1
    assert await _codes(auth_database, served) == 0


async def _codes(database: Database, served: Server) -> int:
    async with database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(served.house.user_id),))
        return len(await (await connection.execute("SELECT 1 FROM auth.authorization_codes")).fetchall())
