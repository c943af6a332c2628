"""The migrate function through its Lambda handler, with the sample events of `events/`."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migrate import schema
from migrate.handler import handler
from tests.integration.stores import PASSWORD, PASSWORD_SECRET, ConnInfo, postgres_server

EVENTS = Path(__file__).parents[3] / "events" / "MigrateFunction"


@pytest_asyncio.fixture
async def database(lambda_environment: pytest.MonkeyPatch) -> Any:
    """A new server's empty database, named by the function's environment."""
    async with postgres_server({}) as admin:
        for name, value in {
            "DATABASE_HOST": admin["host"],
            "DATABASE_PORT": admin["port"],
            "DATABASE_NAME": admin["dbname"],
            "DATABASE_USER": admin["user"],
            "DATABASE_PASSWORD_SECRET": PASSWORD_SECRET,
            "DATABASE_SSLMODE": "disable",
            "ROLE_PASSWORD_SECRETS": json.dumps({"llmo_auth": PASSWORD_SECRET}),
        }.items():
            lambda_environment.setenv(name, str(value))
        yield admin


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def test_the_samples_plan_then_migrate_then_find_nothing_to_do(database: ConnInfo) -> None:
    planned = handler(sample("dry-run"), None)
    assert "CREATE TABLE auth.organizations" in planned.pop("sql")

    assert planned.pop("contracting") == {}  # of an empty database nobody needs anything

    first = handler(sample("upgrade"), None)
    second = handler(sample("upgrade"), None)

    assert first == planned
    assert (first["from"], first["applied"][0]) == (None, "0001")
    assert second == {"from": first["to"], "to": first["to"], "applied": []}
    with psycopg.connect(make_conninfo("", **{**database, "user": "llmo_auth", "password": PASSWORD})) as connection:
        assert connection.execute("SELECT count(*) FROM auth.api_keys").fetchone() == (0,)


def test_what_contracts_is_refused_until_it_is_allowed(database: ConnInfo) -> None:
    with psycopg.connect(make_conninfo("", **database), autocommit=True) as connection:
        connection.execute(schema._sql(schema.revisions(), None, "0020").encode())

        planned = handler({"dry_run": True, "allow_contract": True}, None)
        for asked in ({}, {"allow_contract": "yes"}):
            with pytest.raises(schema.ContractionRefused, match=r"Revision 0022 contracts .*: ALTER TABLE integration"):
                handler(asked, None)
        assert connection.execute("SELECT version_num FROM public.schema_version").fetchone() == ("0020",)
        done = handler({"allow_contract": True}, None)

    assert (planned["from"], list(planned["contracting"])) == ("0020", ["0022"])
    assert done == {name: planned[name] for name in ("from", "to", "applied")}


def test_a_database_of_a_newer_release_stays_as_it_is(database: ConnInfo) -> None:
    handler({}, None)
    with psycopg.connect(make_conninfo("", **database), autocommit=True) as connection:
        connection.execute("UPDATE public.schema_version SET version_num = '9999'")

        assert handler({}, None) == {"from": "9999", "to": "9999", "applied": []}
        assert connection.execute("SELECT version_num FROM public.schema_version").fetchone() == ("9999",)


def test_where_the_owner_has_tokens_all_roles_log_in_with_tokens_alone(
    database: ConnInfo, lambda_environment: pytest.MonkeyPatch
) -> None:
    """RDS sends members of `rds_iam` to IAM by its pg_hba.conf; here the server takes any password for a token."""
    owner = "llmo_token_owner"
    with psycopg.connect(make_conninfo("", **database), autocommit=True) as admin:
        admin.execute("CREATE ROLE rds_iam NOLOGIN")
        admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'owner'")
        admin.execute(f"GRANT rds_iam TO {owner} WITH ADMIN OPTION")
        admin.execute(f"CREATE DATABASE of_tokens OWNER {owner}")
        rules = "host all +rds_iam 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (file,) = admin.execute("SHOW hba_file").fetchone() or ("",)
        statement = sql.SQL("COPY (SELECT unnest(string_to_array({}, chr(10)))) TO {}")
        admin.execute(statement.format(rules.strip(), str(file)))
        admin.execute("SELECT pg_reload_conf()")
    lambda_environment.setenv("DATABASE_NAME", "of_tokens")
    lambda_environment.setenv("DATABASE_USER", owner)
    lambda_environment.setenv("DATABASE_PASSWORD_SECRET", "")
    lambda_environment.setenv("ROLE_PASSWORD_SECRETS", json.dumps({"llmo_auth": "", "llmo_relay": ""}))

    handler(sample("upgrade"), None)
    handler(sample("upgrade"), None)

    with psycopg.connect(make_conninfo("", **database), autocommit=True) as admin:
        rows = admin.execute(
            "SELECT rolname, rolpassword FROM pg_authid WHERE pg_has_role(oid, 'rds_iam', 'member') AND NOT rolsuper"
        ).fetchall()
    assert {name: password for name, password in rows if name != owner} == {
        "llmo_auth": None,
        "llmo_relay": None,
        "rds_iam": None,
    }


def test_who_made_a_role_that_has_tokens_cannot_log_in_with_a_password_any_more(database: ConnInfo) -> None:
    """Why the owner has tokens too: PostgreSQL makes it a member of the roles that it makes, and so of `rds_iam`."""
    with psycopg.connect(make_conninfo("", **database), autocommit=True) as admin:
        admin.execute("CREATE ROLE llmo_password_owner LOGIN CREATEROLE PASSWORD 'owner'")
        admin.execute("CREATE ROLE rds_iam NOLOGIN")
        admin.execute("SET ROLE llmo_password_owner")
        admin.execute("CREATE ROLE llmo_made_by_it LOGIN")
        admin.execute("RESET ROLE")
        membership = "SELECT pg_has_role('llmo_password_owner', 'rds_iam', 'member')"
        assert admin.execute(membership).fetchone() == (False,)
        admin.execute("GRANT rds_iam TO llmo_made_by_it")
        assert admin.execute(membership).fetchone() == (True,)
