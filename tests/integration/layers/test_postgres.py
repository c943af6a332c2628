import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import ProgramLimitExceeded
from psycopg.pq import TransactionStatus

from llmo_core.aws import Credentials
from llmo_core.database_login import iam_token
from llmo_core.ids import new_id
from llmo_data.postgres import Database, DatabaseUnavailable, insert
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres


@pytest_asyncio.fixture
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    opened = Database(postgres.conninfo("llmo_auth"))
    yield opened
    await opened.close()


async def projects(database: Database, org: Org) -> list[str]:
    async with database.transaction(org.org_id) as connection:
        rows = await (await connection.execute("SELECT name FROM auth.projects ORDER BY name")).fetchall()
    return [row["name"] for row in rows]


async def test_what_a_transaction_wrote_is_there_after_it_and_stays(database: Database, org: Org) -> None:
    async with database.transaction(org.org_id) as connection:
        await connection.execute("SELECT 1")  # an earlier statement must not turn the transaction into a savepoint
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Second"}))
    await database.close()

    assert await projects(database, org) == ["Default", "Second"]


async def test_an_error_undoes_the_whole_transaction(database: Database, org: Org) -> None:
    async def broken() -> None:
        async with database.transaction(org.org_id) as connection:
            await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Gone"}))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await broken()

    assert await projects(database, org) == ["Default"]


async def test_a_transaction_inside_another_is_a_part_of_it(database: Database, org: Org) -> None:
    async def whole() -> None:
        async with database.transaction(org.org_id):
            async with database.transaction(org.org_id) as connection:
                await connection.execute(
                    *insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Gone"})
                )
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await whole()

    assert await projects(database, org) == ["Default"]


async def test_a_part_that_fails_is_undone_alone(database: Database, org: Org) -> None:
    async with database.transaction(org.org_id) as connection:
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Kept"}))
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with database.transaction(org.org_id):
                await connection.execute(
                    *insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Kept"})
                )

    assert await projects(database, org) == ["Default", "Kept"]


async def test_what_joins_a_transaction_is_no_part_that_could_be_undone_alone(database: Database, org: Org) -> None:
    async def whole() -> None:
        async with database.transaction(org.org_id) as connection:
            async with database.joined(org.org_id) as joined:
                assert joined is connection
                await joined.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Gone"}))
            with pytest.raises(psycopg.errors.UndefinedTable):
                async with database.joined(org.org_id) as joined:
                    await joined.execute("SELECT * FROM auth.nothing")
            await connection.execute("SELECT 1")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        await whole()
    assert await projects(database, org) == ["Default"]


async def test_what_has_no_transaction_to_join_has_one_of_its_own(database: Database, org: Org) -> None:
    async with database.joined(org.org_id) as connection:
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Second"}))
    async with database.transaction(), database.joined(org.org_id) as connection:
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Third"}))
    assert await projects(database, org) == ["Default", "Second", "Third"]
    async with database.transaction(org.org_id):
        with pytest.raises(RuntimeError, match="one organization"):
            async with database.joined(new_id()):
                pass


async def test_a_transaction_never_changes_its_organization(database: Database, org: Org) -> None:
    with pytest.raises(RuntimeError, match="one organization"):
        async with database.transaction(org.org_id), database.transaction(new_id()):
            pass


async def test_a_transaction_of_no_organization_has_parts_for_several(
    database: Database, org: Org, make_org: MakeOrg
) -> None:
    other = await make_org()

    async def seen() -> int:
        async with database.transaction() as connection:
            return len(await (await connection.execute("SELECT 1 FROM auth.projects")).fetchall())

    async with database.transaction():
        for one in (org, other):
            async with database.transaction(one.org_id) as connection:
                await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": one.org_id, "name": "A"}))
                assert len(await (await connection.execute("SELECT 1 FROM auth.projects")).fetchall()) == 2
            assert await seen() == 0
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(org.org_id):
                raise ZeroDivisionError
        assert await seen() == 0

    assert await projects(database, org) == ["A", "Default"]


async def test_another_task_has_transactions_of_its_own(postgres: Postgres, org: Org) -> None:
    database = Database(postgres.conninfo("llmo_auth"), max_connections=2)
    async with database.transaction(org.org_id) as connection:
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "Unseen"}))
        assert await asyncio.create_task(projects(database, org)) == ["Default"]
    await database.close()


async def test_single_statements_are_committed_one_by_one_and_see_no_organizations_rows(
    database: Database, make_org: MakeOrg
) -> None:
    await make_org()

    async with database.statements() as connection:
        rows = await (await connection.execute("SELECT 1 FROM auth.organizations")).fetchall()
        assert connection.info.transaction_status is TransactionStatus.IDLE
    assert rows == []


async def test_what_is_to_follow_a_commit_follows_the_outermost_one(database: Database, org: Org) -> None:
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await projects(database, org))

    async with database.transaction(org.org_id) as connection:
        async with database.transaction(org.org_id):
            await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": "New"}))
            database.after_commit("look", look)
            database.after_commit("look", look)
        assert seen == []

    assert seen == [["Default", "New"]]


async def test_nothing_follows_a_rollback(database: Database, org: Org) -> None:
    async def never() -> None:
        pytest.fail("this was not committed")

    async def rolled_back() -> None:
        async with database.transaction(org.org_id):
            database.after_commit("never", never)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await rolled_back()
    with pytest.raises(RuntimeError, match="no transaction"):
        database.after_commit("never", never)


async def test_a_connection_that_the_server_ended_is_replaced(database: Database, org: Org, postgres: Postgres) -> None:
    assert await projects(database, org) == ["Default"]
    with psycopg.connect(make_conninfo("", **postgres.conninfo("llmo_auth")), autocommit=True) as connection:
        connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
            """
        )

    assert await projects(database, org) == ["Default"]


async def test_a_database_that_does_not_answer_is_unavailable(postgres: Postgres) -> None:
    database = Database({**postgres.conninfo("llmo_auth"), "port": 1})

    with pytest.raises(DatabaseUnavailable):
        async with database.transaction():
            pass
    await database.close()


async def test_columns_and_values_of_an_insert_are_never_read_as_sql(database: Database, org: Org) -> None:
    name = "'); DROP TABLE auth.projects; --"
    async with database.transaction(org.org_id) as connection:
        await connection.execute(*insert("auth.projects", {"id": new_id(), "org_id": org.org_id, "name": name}))

    assert name in await projects(database, org)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        async with database.transaction(org.org_id) as connection:
            await connection.execute(*insert("auth.projects", {'id" -- ': 1}))


async def test_each_new_connection_logs_in_with_a_token_of_its_own(postgres: Postgres, org: Org) -> None:
    known = postgres.conninfo("llmo_auth")
    login, moment = str(known["user"]), datetime(2026, 11, 28, tzinfo=UTC)
    tokens: list[str] = []

    def token() -> str:
        """A token, which the server takes until the next one is made."""
        tokens.append(
            iam_token(
                str(known["host"]),
                int(known["port"]),
                login,
                region="eu-west-1",
                credentials=Credentials("ASIA", "hush", "t" * 1000),  # as long as a role's are
                now=moment + timedelta(minutes=len(tokens)),
            )
        )
        with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), tokens[-1]))
        return tokens[-1]

    database = Database({**known, "password": token})
    try:
        assert await projects(database, org) == ["Default"]
        assert await projects(database, org) == ["Default"]
        assert len(tokens) == 1
        with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (login,))
        assert await projects(database, org) == ["Default"]
        assert len(set(tokens)) == 2
    finally:
        await database.close()
        with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), known["password"]))


async def test_what_the_database_can_never_do_is_no_outage(database: Database) -> None:
    too_large = "INSERT INTO large SELECT string_agg(md5(n::text), '') FROM generate_series(1, 999) AS n"

    async def insert_it() -> None:
        async with database.transaction() as connection:
            await connection.execute("CREATE TEMPORARY TABLE large (key text PRIMARY KEY) ON COMMIT DROP")
            await connection.execute(too_large.encode())

    with pytest.raises(ProgramLimitExceeded):
        await insert_it()


async def test_of_two_who_wait_for_each_other_one_is_told_to_come_again(postgres: Postgres) -> None:
    database = Database(postgres.conninfo("llmo_auth"), max_connections=2)
    both = asyncio.Barrier(2)

    async def crossing(first: int, second: int) -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
            await both.wait()
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (second,))

    came = await asyncio.gather(crossing(501, 502), crossing(502, 501), return_exceptions=True)
    await database.close()
    assert [type(each) for each in came if each is not None] == [DatabaseUnavailable]
