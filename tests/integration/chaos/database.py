"""A PostgreSQL of this suite's own, which can be restarted behind an address that stays."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from local.stores.postgres import postgres_store
from local.stores.store import Store
from tests.integration.messaging.proxy import Proxy, running_proxy
from tests.integration.service_schema import ServiceSchema, service_schema
from tests.integration.stores import PASSWORD, ConnInfo, Postgres, administrator, migrated_database, state_folder


class Server:
    """The server behind its address."""

    def __init__(self, store: Store, proxy: Proxy) -> None:
        self._store = store
        self._proxy = proxy
        self.restarts = 0

    async def start(self) -> None:
        """Start, at whatever port."""
        given = conninfo_to_dict(await self._store.start())
        self._proxy.point_at(str(given["host"]), int(str(given["port"])))

    async def restart(self) -> None:
        """Stop it under its clients, and start it again on the same data."""
        await self._store.stop()
        await self.start()
        self.restarts += 1


class Books:
    """One service's schema in that server, and what stands in it.

    Attributes:
        server: Can be restarted.
    """

    def __init__(self, server: Server, postgres: Postgres, schema: ServiceSchema) -> None:
        self.server = server
        self._postgres = postgres
        self.schema = schema

    def conninfo(self, role: str) -> dict[str, str | int]:
        """Parameters for a connection with a role's rights, which hold beyond a restart."""
        return self._postgres.conninfo(role)

    async def effects(self) -> Sequence[UUID]:
        """The event of each effect."""
        rows = await self._all("SELECT event_id FROM {}", "effects")
        return [UUID(str(row[0])) for row in rows]

    async def count(self, table: str) -> int:
        """How many rows there are."""
        rows = await self._all("SELECT count(*) FROM {}", table)
        return int(str(rows[0][0]))

    async def _all(self, statement: str, table: str) -> Sequence[tuple[object, ...]]:
        async with administrator(self._postgres.admin) as connection:
            query = sql.SQL(statement).format(self.schema.table(table))
            return await (await connection.execute(query)).fetchall()


@asynccontextmanager
async def books_server() -> AsyncIterator[tuple[Server, Postgres]]:
    """A server with a migrated database."""
    state = state_folder()
    store = postgres_store(state, PASSWORD, {})
    try:
        async with running_proxy("127.0.0.1", 0) as proxy:
            server = Server(store, proxy)
            await server.start()
            admin: ConnInfo = {
                "host": "127.0.0.1",
                "port": proxy.port,
                "user": "postgres",
                "password": PASSWORD,
                "dbname": "postgres",
                "sslmode": "disable",
            }
            async with migrated_database(admin) as postgres:
                yield server, postgres
    finally:
        await store.stop()
        await store.reset()
        shutil.rmtree(state)


@asynccontextmanager
async def new_books(server: Server, postgres: Postgres) -> AsyncIterator[Books]:
    """A new schema."""
    async with service_schema(postgres.admin) as schema:
        yield Books(server, postgres, schema)
