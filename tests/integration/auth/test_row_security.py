"""What each service's database role can reach, whatever SQL the service sends."""

from collections.abc import AsyncIterator
from typing import LiteralString
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg import errors

from llmo_core.ids import new_id
from llmo_data.postgres import Connection, Database
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

ORG_TABLES: dict[LiteralString, LiteralString] = {
    "auth.organizations": "id",
    "auth.projects": "org_id",
    "auth.memberships": "org_id",
    "auth.api_keys": "org_id",
}
tables = pytest.mark.parametrize("table", [*ORG_TABLES, "auth.users"])
MEMBERS = "auth.memberships"  # they leave
kept = pytest.mark.parametrize("table", [*sorted(ORG_TABLES.keys() - {MEMBERS}), "auth.users"])
readers = pytest.mark.parametrize("role", ["llmo_integration", "llmo_authorizer"])


@pytest_asyncio.fixture
async def reader(postgres: Postgres, role: str) -> AsyncIterator[Database]:
    database = Database(postgres.conninfo(role))
    yield database
    await database.close()


async def _count(connection: Connection, table: LiteralString) -> int:
    row = await (await connection.execute(b"SELECT count(*) AS rows FROM " + table.encode())).fetchone()
    assert row is not None
    return int(row["rows"])


@tables
async def test_an_organization_sees_its_own_rows_only(
    auth_database: Database, make_org: MakeOrg, table: LiteralString
) -> None:
    own = await make_org()
    await make_org()

    async with auth_database.transaction(own.org_id) as connection:
        assert await _count(connection, table) == 1


@tables
async def test_without_an_organization_there_are_no_rows(
    auth_database: Database, make_org: MakeOrg, table: LiteralString
) -> None:
    await make_org()

    async with auth_database.transaction() as connection:
        assert await _count(connection, table) == 0


async def test_the_organization_is_forgotten_when_its_transaction_ends(postgres: Postgres, make_org: MakeOrg) -> None:
    own = await make_org()
    database = Database(postgres.conninfo("llmo_auth"), max_connections=1)

    async with database.transaction(own.org_id) as connection:
        assert await _count(connection, "auth.api_keys") == 1
    async with database.transaction() as connection:
        assert await _count(connection, "auth.api_keys") == 0
    await database.close()


@pytest.mark.parametrize("table", ORG_TABLES)
async def test_rows_cannot_be_written_for_another_organization(
    auth_database: Database, make_org: MakeOrg, table: LiteralString
) -> None:
    own, other = await make_org(), await make_org()

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with auth_database.transaction(own.org_id) as connection:
            await _insert(connection, table, other, org_id=new_id() if table == "auth.organizations" else other.org_id)


async def _insert(connection: Connection, table: LiteralString, other: Org, *, org_id: UUID) -> None:
    statements: dict[str, LiteralString] = {
        "auth.organizations": "INSERT INTO auth.organizations (id, org_ref, name) VALUES (%(org)s, 'AAAAAAAAAA', 'x')",
        "auth.projects": "INSERT INTO auth.projects (id, org_id, name) VALUES (%(id)s, %(org)s, 'x')",
        "auth.memberships": "INSERT INTO auth.memberships VALUES (%(org)s, %(user)s, 'viewer')",
        "auth.api_keys": """
            INSERT INTO auth.api_keys (id, org_id, project_id, name, key_hash, hint, created_by, permissions)
            VALUES (%(id)s, %(org)s, %(project)s, 'x', repeat('0', 64), 'abcd', %(user)s, '{}')
            """,
    }
    parameters = {"id": new_id(), "org": org_id, "user": other.user_id, "project": other.project_id}
    await connection.execute(statements[table], parameters)


async def test_another_organizations_key_cannot_be_revoked(auth_database: Database, make_org: MakeOrg) -> None:
    own, other = await make_org(), await make_org()

    async with auth_database.transaction(own.org_id) as connection:
        done = await connection.execute("UPDATE auth.api_keys SET revoked_at = now() WHERE id = %s", (other.key_id,))
        assert done.rowcount == 0


async def test_a_key_cannot_name_another_organizations_project(auth_database: Database, make_org: MakeOrg) -> None:
    own, other = await make_org(), await make_org()

    with pytest.raises(errors.ForeignKeyViolation):
        async with auth_database.transaction(own.org_id) as connection:
            await _insert(connection, "auth.api_keys", other, org_id=own.org_id)


@kept
async def test_the_auth_service_cannot_delete(auth_database: Database, make_org: MakeOrg, table: LiteralString) -> None:
    own = await make_org()

    with pytest.raises(errors.InsufficientPrivilege):
        async with auth_database.transaction(own.org_id) as connection:
            await connection.execute(b"DELETE FROM " + table.encode())


async def test_the_auth_service_cannot_move_a_key_or_change_its_limits(
    auth_database: Database, make_org: MakeOrg
) -> None:
    own = await make_org()

    with pytest.raises(errors.InsufficientPrivilege):
        async with auth_database.transaction(own.org_id) as connection:
            await connection.execute("UPDATE auth.api_keys SET requests_per_minute = 1000")


async def test_an_account_is_found_by_its_email_alone_and_no_other_with_it(
    auth_database: Database, make_org: MakeOrg
) -> None:
    own = await make_org()
    await make_org()

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.email', %s, true)", (f"{own.user_id.hex}@EXAMPLE.com",))
        rows = await (await connection.execute("SELECT id FROM auth.users")).fetchall()
    assert [row["id"] for row in rows] == [own.user_id]


async def test_an_account_can_only_be_created_under_the_email_that_the_transaction_names(
    auth_database: Database,
) -> None:
    statement = "INSERT INTO auth.users (id, email, password_hash, name) VALUES (%s, 'you@example.com', 'x', 'x')"
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.email', 'me@example.com', true)")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            await connection.execute(statement, (new_id(),))


async def test_somebody_who_signs_in_finds_their_own_memberships_only(
    auth_database: Database, make_org: MakeOrg
) -> None:
    own = await make_org()
    await make_org()

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(own.user_id),))
        rows = await (await connection.execute("SELECT org_id FROM auth.memberships")).fetchall()
    assert [row["org_id"] for row in rows] == [own.org_id]


@readers
async def test_admission_sees_every_organizations_key(reader: Database, make_org: MakeOrg) -> None:
    first, second = await make_org(requests_per_minute=7, permissions=["llm:call"]), await make_org()

    async with reader.transaction() as connection:
        rows = await (
            await connection.execute(
                "SELECT * FROM auth.admission_keys WHERE key_hash = ANY(%s) ORDER BY key_id",
                ([first.key_hash, second.key_hash],),
            )
        ).fetchall()
    assert [row["org_id"] for row in rows] == [first.org_id, second.org_id]
    assert rows[0] == {
        "key_hash": first.key_hash,
        "key_id": first.key_id,
        "org_id": first.org_id,
        "org_ref": first.org_ref,
        "project_id": first.project_id,
        "permissions": ["llm:call"],
        "requests_per_minute": 7,
        "tokens_per_minute": None,
        "allowed_models": None,
        "key_budget_usd": None,
        "project_budget_usd": None,
        "org_budget_usd": None,
        "expires_at": None,
        "revoked_at": None,
        "allowed_cidrs": None,
    }


@readers
@tables
async def test_admission_reads_no_table(reader: Database, table: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with reader.transaction() as connection:
            await _count(connection, table)


@readers
async def test_admission_may_only_select(reader: Database, role: str) -> None:
    async with reader.transaction() as connection:
        cursor = await connection.execute(
            "SELECT has_table_privilege(%s, 'auth.admission_keys', 'INSERT, UPDATE, DELETE, TRUNCATE') AS may_write",
            (role,),
        )
        assert await cursor.fetchone() == {"may_write": False}


async def test_the_auth_service_has_no_access_to_the_admission_view(auth_database: Database) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with auth_database.transaction() as connection:
            await _count(connection, "auth.admission_keys")
