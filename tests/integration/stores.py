"""The servers that integration tests run against: the laptop stack's, with data that is thrown away.

`DATABASE_URL`, `REDIS_URL` and `MONGODB_URI` name running servers instead. The first must be allowed to create
databases and roles, and gets the cluster-wide `llmo_*` roles.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from llmo_core.ids import new_id
from local.stores.mongodb import mongodb_store
from local.stores.postgres import OWNER, postgres_store
from local.stores.redis import redis_store
from local.stores.store import Store
from migrate.schema import upgrade

type ConnInfo = Mapping[str, str | int]

PASSWORD = "password-of-the-tests"
PASSWORD_SECRET = "llmo-tests/database-password"  # where the fake Secrets Manager keeps it
SERVICE_ROLES = (
    *("llmo_auth", "llmo_integration", "llmo_billing", "llmo_notification", "llmo_authorizer", "llmo_relay"),
)
_MIGRATING = 0x7E_57  # advisory lock: databases of one cluster share its roles


@dataclass(frozen=True, slots=True)
class Postgres:
    """A migrated database of its own.

    Attributes:
        admin: psycopg's parameters for the role that created it.
        logins: For each service role, a login of this session that is a member of it and nothing else. The roles
            themselves belong to the whole cluster, and their passwords to whoever else uses it.
    """

    admin: dict[str, str | int]
    logins: dict[str, str]

    def conninfo(self, role: str) -> dict[str, str | int]:
        """Parameters for a connection with a service role's rights."""
        return {**self.admin, "user": self.logins[role], "password": PASSWORD}

    def environment(self, role: str) -> dict[str, str]:
        """The variables that tell a function to connect with a service role's rights; see `secrets`."""
        return {
            "DATABASE_HOST": str(self.admin["host"]),
            "DATABASE_PORT": str(self.admin.get("port", 5432)),
            "DATABASE_NAME": str(self.admin["dbname"]),
            "DATABASE_USER": self.logins[role],
            "DATABASE_PASSWORD_SECRET": PASSWORD_SECRET,
            "DATABASE_SSLMODE": str(self.admin.get("sslmode", "prefer")),
        }


@asynccontextmanager
async def postgres_server(environment: Mapping[str, str]) -> AsyncIterator[ConnInfo]:
    """A PostgreSQL server's administrator: the one of DATABASE_URL, else of an embedded server."""
    async with _started(lambda state: postgres_store(state, PASSWORD, environment)) as url:
        given = conninfo_to_dict(url)
        admin = {name: value for name, value in given.items() if value is not None}
        if admin["user"] == OWNER and "DATABASE_URL" not in environment:
            admin |= {"user": "postgres", "dbname": "postgres"}
        yield admin


@asynccontextmanager
async def migrated_database(admin: ConnInfo) -> AsyncIterator[Postgres]:
    """A new database with the newest schema; dropped afterwards."""
    name = f"llmo_test_{new_id().hex[-12:]}"
    logins = {role: f"{name}_{role}" for role in SERVICE_ROLES}
    async with administrator(admin) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        await connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATING,))
        await asyncio.to_thread(upgrade, {**admin, "dbname": name})
        for role, login in logins.items():
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            await connection.execute(create.format(sql.Identifier(login), PASSWORD, sql.Identifier(role)))
            # Dropping the database ends the login's connections, which takes its privileges.
            await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(login)))
        await connection.execute("SELECT pg_advisory_unlock(%s)", (_MIGRATING,))
    yield Postgres({**admin, "dbname": name}, logins)
    async with administrator(admin) as connection:
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for login in logins.values():
            await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


@asynccontextmanager
async def administrator(admin: ConnInfo) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of the administrator's."""
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **admin), autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def redis_server() -> AsyncIterator[str]:
    """The URL of a Redis server: REDIS_URL, else an embedded one."""
    async with _started(redis_store) as url:
        yield url


@asynccontextmanager
async def mongodb_server() -> AsyncIterator[str]:
    """The URI of a MongoDB server: MONGODB_URI, else a `mongod` on PATH or an embedded one."""
    async with _started(mongodb_store) as uri:
        yield uri


@asynccontextmanager
async def _started(make_store: Callable[[Path], Store]) -> AsyncIterator[str]:
    state = state_folder()
    store = make_store(state)
    try:
        yield await store.start()
    finally:
        await store.stop()
        await store.reset()
        shutil.rmtree(state)


def state_folder() -> Path:
    """A new folder for a server of this session."""
    state = Path(tempfile.mkdtemp(prefix="llmo-tests-"))
    state.chmod(0o755)  # PostgreSQL runs as another user when the tests run as root
    return state
