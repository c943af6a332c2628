from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from migrate.roles import set_passwords
from migrate.schema import PAUSES, TablesInUse, upgrade
from tests.integration.stores import ConnInfo, postgres_server

SERVICE_ROLES = ("llmo_auth", "llmo_integration", "llmo_billing", "llmo_notification", "llmo_authorizer", "llmo_relay")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster() -> AsyncIterator[ConnInfo]:
    """A cluster without any of our roles, which checks passwords."""
    async with postgres_server({}) as admin:
        yield admin


@pytest.fixture(params=["a superuser", "an owner with CREATEROLE, as on RDS"])
def owner(request: pytest.FixtureRequest, cluster: ConnInfo) -> Iterator[ConnInfo]:
    """The owner of a new database; its roles and the database are gone afterwards."""
    with psycopg.connect(make_conninfo("", **cluster), autocommit=True) as admin:
        admin.execute("CREATE ROLE llmo_fresh_owner LOGIN CREATEROLE PASSWORD 'owner'")
        admin.execute("CREATE DATABASE fresh OWNER llmo_fresh_owner")
        if request.param == "a superuser":
            yield {**cluster, "dbname": "fresh"}
        else:
            yield {**cluster, "dbname": "fresh", "user": "llmo_fresh_owner", "password": "owner"}
        admin.execute("DROP DATABASE fresh WITH (FORCE)")
        for role in (*SERVICE_ROLES, "llmo_admission", "llmo_fresh_owner"):
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def test_an_empty_database_gets_every_revision_and_a_second_run_finds_nothing_to_do(owner: ConnInfo) -> None:
    first = upgrade(owner)
    second = upgrade(owner)

    assert (first.before, first.applied[0]) == (None, "0001")
    assert (second.before, second.after, second.applied) == (first.after, first.after, ())


def test_runs_at_the_same_time_apply_every_revision_once(owner: ConnInfo) -> None:
    with ThreadPoolExecutor(4) as threads:
        runs = list(threads.map(lambda _: upgrade(owner), range(4)))

    assert sorted(len(run.applied) for run in runs)[:3] == [0, 0, 0]
    assert {run.after for run in runs} == {runs[0].after}


def test_a_dry_run_changes_nothing_and_its_sql_makes_the_same_schema(owner: ConnInfo) -> None:
    planned = upgrade(owner, dry_run=True)
    assert planned.sql is not None
    with psycopg.connect(make_conninfo("", **owner), autocommit=True) as connection:
        assert _tables(connection) == []
        connection.execute(planned.sql.encode())

    again = upgrade(owner)

    assert (again.before, again.applied) == (planned.after, ())


def test_each_service_logs_in_with_its_own_password_only(owner: ConnInfo) -> None:
    upgrade(owner)
    set_passwords(owner, {role: f"password of {role}" for role in SERVICE_ROLES})
    set_passwords(owner, {"llmo_auth": "a newer one"})

    for role, password in (("llmo_auth", "a newer one"), ("llmo_integration", "password of llmo_integration")):
        with psycopg.connect(make_conninfo("", **{**owner, "user": role, "password": password})) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo("", **{**owner, "user": "llmo_auth", "password": "password of llmo_auth"}))


def test_a_password_of_an_unknown_role_changes_no_role(owner: ConnInfo) -> None:
    upgrade(owner)
    set_passwords(owner, {"llmo_auth": "kept"})

    with pytest.raises(errors.UndefinedObject):
        set_passwords(owner, {"llmo_auth": "lost", "nobody": "x"})

    psycopg.connect(make_conninfo("", **{**owner, "user": "llmo_auth", "password": "kept"})).close()


def test_row_security_is_forced_on_every_tenant_table(owner: ConnInfo) -> None:
    upgrade(owner)

    with psycopg.connect(make_conninfo("", **owner)) as connection:
        unprotected = connection.execute(
            """
            SELECT relname FROM pg_class JOIN pg_namespace AS schema ON schema.oid = relnamespace
            WHERE nspname IN ('auth', 'integration', 'billing', 'notification') AND relkind = 'r'
                AND NOT (relrowsecurity AND relforcerowsecurity)
            """
        ).fetchall()
    assert unprotected == [("signing_keys",)]  # everybody's, and nobody's secret


def test_service_roles_own_nothing_and_have_no_special_rights(owner: ConnInfo) -> None:
    upgrade(owner)

    with psycopg.connect(make_conninfo("", **owner)) as connection:
        mighty = connection.execute(
            """
            SELECT rolname FROM pg_roles
            WHERE rolname LIKE 'llmo_a%'
                OR rolname IN ('llmo_integration', 'llmo_billing', 'llmo_notification', 'llmo_relay')
            INTERSECT SELECT rolname FROM pg_roles
            WHERE rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit
            """
        ).fetchall()
        owned = connection.execute(
            "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE pg_get_userbyid(relowner) LIKE 'llmo_a%'"
        ).fetchall()
        members = connection.execute(
            """
            SELECT pg_get_userbyid(member) FROM pg_auth_members
            WHERE roleid = 'llmo_admission'::regrole AND pg_has_role(member, roleid, 'USAGE')
                AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = member)
            """
        ).fetchall()
    assert mighty == []
    assert sorted(owned) == [
        ("admission_expiring_keys", "llmo_admission"),
        ("admission_keys", "llmo_admission"),
        ("admission_last_owners", "llmo_admission"),
        ("admission_organizations", "llmo_admission"),
        ("admission_people", "llmo_admission"),
        ("admission_service_accounts", "llmo_admission"),
        ("admission_sessions", "llmo_admission"),
        ("due_digests", "llmo_admission"),
        ("due_messages", "llmo_admission"),
        ("due_notifications", "llmo_admission"),
        ("expiring_credit", "llmo_admission"),
        ("left_drafts", "llmo_admission"),
        ("message_owners", "llmo_admission"),
        ("open_batches", "llmo_admission"),
        ("overdue_invoices", "llmo_admission"),
        ("payment_owners", "llmo_admission"),
        ("planned_messages", "llmo_admission"),
        ("refund_owners", "llmo_admission"),
        ("spending_to_look_at", "llmo_admission"),
        ("stripe_owners", "llmo_admission"),
        ("subscriptions_to_bill", "llmo_admission"),
        ("turning_subscriptions", "llmo_admission"),
        ("waiting_webhooks", "llmo_admission"),
    ]
    assert members == []


def _tables(connection: psycopg.Connection) -> list[tuple[str]]:
    return connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()


def _before_suppressions_had_ids(owner: ConnInfo) -> None:
    """A database of which revision 0054, and what comes after, is still to be run."""
    upgrade(owner)
    with psycopg.connect(make_conninfo("", **owner), autocommit=True) as connection:
        connection.execute("ALTER TABLE notification.suppressions DROP COLUMN id")
        connection.execute("UPDATE public.schema_version SET version_num = '0053'")


def test_what_is_in_use_is_not_waited_for_without_end_but_tried_again(owner: ConnInfo) -> None:
    _before_suppressions_had_ids(owner)
    pauses: list[float] = []
    with psycopg.connect(make_conninfo("", **owner)) as reader:
        reader.execute("SELECT * FROM notification.suppressions")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            with psycopg.connect(make_conninfo("", **owner), options="-c lock_timeout=1000") as another:
                another.execute("DELETE FROM notification.suppressions")  # nobody waits behind us meanwhile
            if len(pauses) == 2:
                reader.rollback()

        done = upgrade(owner, lock_timeout=timedelta(milliseconds=50), pause=pause)

    assert pauses == [*PAUSES[:2]]
    assert (done.before, done.applied[0]) == ("0053", "0054")
    assert upgrade(owner).applied == ()


def test_what_stays_in_use_is_said_and_nothing_is_changed(owner: ConnInfo) -> None:
    _before_suppressions_had_ids(owner)
    pauses: list[float] = []
    with psycopg.connect(make_conninfo("", **owner)) as reader:
        reader.execute("SELECT * FROM notification.suppressions")
        with pytest.raises(TablesInUse, match=r"0\.05 s, 7 times\. Nothing was changed"):
            upgrade(owner, lock_timeout=timedelta(milliseconds=50), pause=pauses.append)
    assert pauses == [*PAUSES]
    assert upgrade(owner).before == "0053"
