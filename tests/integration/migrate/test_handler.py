"""The migrate function through its Lambda handler, with the sample events of `events/`."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
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
