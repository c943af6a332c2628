"""PostgreSQL: one small pool per process, one transaction per request, one organization per transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from llmo_core.database_login import ConnInfo, resolved
from llmo_core.errors import Unavailable
from llmo_core.observability import logger

type Connection = AsyncConnection[DictRow]

_CONNECT_TIMEOUT_SECONDS = 5
_POOL_TIMEOUT_SECONDS = 5.0
_PROGRAM_LIMIT = "54"


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""


@dataclass(slots=True)
class _Open:
    """The transaction that a task has under way."""

    database: "Database"
    task: asyncio.Task[Any] | None
    connection: Connection
    org_id: UUID | None
    afterwards: dict[Hashable, Callable[[], Awaitable[None]]] = field(default_factory=dict)

    @asynccontextmanager
    async def limited_to(self, org_id: UUID | None) -> AsyncIterator[None]:
        """A part's organization, inside the part's savepoint: when that is undone, so is the setting."""
        if org_id == self.org_id:
            yield
            return
        if self.org_id is not None:
            raise RuntimeError("A transaction is limited to one organization from its beginning to its end.")
        await _limit(self.connection, org_id)
        self.org_id = org_id
        try:
            yield
        finally:
            self.org_id = None
        await _limit(self.connection, None)


_open: ContextVar[_Open | None] = ContextVar("open_transaction", default=None)


class Database:
    """A database as one role sees it.

    The pool opens at the first use, on the running event loop, and stays for the life of the process. Row-level
    security does the tenant isolation: a transaction sees the rows of the organization it was opened for, and a
    transaction without one sees none.

    Args:
        conninfo: psycopg's connection parameters; what is callable is called for each new connection.
        max_connections: A Lambda environment serves one request at a time and needs one; long-lived servers more.
    """

    def __init__(self, conninfo: ConnInfo, *, max_connections: int = 1) -> None:
        self._conninfo = dict(conninfo)
        self._max_connections = max_connections
        self._pool: AsyncConnectionPool[Connection] | None = None

    @asynccontextmanager
    async def transaction(self, org_id: UUID | None = None) -> AsyncIterator[Connection]:
        """A transaction limited to one organization's rows, committed at the end, rolled back on an error.

        Inside a transaction of the same task it is a part of that one: undone alone when it fails, and committed with
        the whole. A transaction of no organization may have parts for one, one of an organization none for others.
        Raises DatabaseUnavailable when no connection can be had.
        """
        under_way = self._under_way()
        if under_way is not None:
            async with under_way.connection.transaction(), under_way.limited_to(org_id):
                yield under_way.connection
            return
        pool = await self._opened()
        try:
            async with pool.connection() as connection, connection.transaction():
                if org_id is not None:
                    await _limit(connection, org_id)
                opened = _Open(self, asyncio.current_task(), connection, org_id)
                token = _open.set(opened)
                try:
                    yield connection
                finally:
                    _open.reset(token)
        except (PoolTimeout, psycopg.OperationalError) as error:
            if _of_the_statement(error):
                raise
            raise _unavailable(pool, error) from error
        for callback in opened.afterwards.values():
            await callback()

    @asynccontextmanager
    async def joined(self, org_id: UUID | None) -> AsyncIterator[Connection]:
        """The organization's transaction that the task has under way, or else one of its own.

        For a statement that nobody goes on after when it fails: it saves the two round trips of a part, and an error
        is the whole transaction's, which then takes no statement any more. Raises what `transaction` raises.
        """
        under_way = self._under_way()
        if under_way is not None and under_way.org_id == org_id:
            yield under_way.connection
            return
        async with self.transaction(org_id) as connection:
            yield connection

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[Connection]:
        """A connection on which each statement is a transaction of its own, and sees no organization's rows.

        For look-ups in published views: it saves BEGIN and COMMIT. Raises DatabaseUnavailable.
        """
        pool = await self._opened()
        try:
            async with pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            if _of_the_statement(error):
                raise
            raise _unavailable(pool, error) from error

    def after_commit(self, key: Hashable, callback: Callable[[], Awaitable[None]]) -> None:
        """Have this awaited once the task's transaction is committed, and never when it is rolled back.

        A later callback under the same key replaces the earlier one. Callbacks must not raise: what they do is an
        addition to what is committed already. Raises RuntimeError outside a transaction.
        """
        under_way = self._under_way()
        if under_way is None:
            raise RuntimeError("There is no transaction after which this could be done.")
        under_way.afterwards[key] = callback

    def _under_way(self) -> _Open | None:
        opened = _open.get()
        if opened is not None and opened.database is self and opened.task is asyncio.current_task():
            return opened
        return None

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _opened(self) -> AsyncConnectionPool[Connection]:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                "",
                kwargs=self._parameters,
                min_size=0,
                max_size=self._max_connections,
                timeout=_POOL_TIMEOUT_SECONDS,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
            await self._pool.open()
        return self._pool

    async def _parameters(self) -> dict[str, Any]:
        """What a new connection is made with."""
        # Autocommit, so that transactions are explicit; no server-side prepared statements, because those and
        # session-level SET pin connections of RDS Proxy.
        return {
            **resolved(self._conninfo),
            "autocommit": True,
            "prepare_threshold": None,
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "row_factory": dict_row,
        }


def _of_the_statement(error: Exception) -> bool:
    """Whether the statement asks for more than the database can do at all (SQLSTATE 54): it fails whenever it is tried.

    Everything else is over the next time, as far as anybody can know: deadlocks, time-outs, a server that restarts.
    """
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "").startswith(_PROGRAM_LIMIT)


def _unavailable(pool: AsyncConnectionPool[Connection], error: Exception) -> DatabaseUnavailable:
    """What callers are told; the log has what kept the connection from them."""
    logger().warning("no use of the database", extra={"reason": str(error), "pool": pool.get_stats()})
    return DatabaseUnavailable()


async def _limit(connection: Connection, org_id: UUID | None) -> None:
    await connection.execute("SELECT set_config('app.org_id', %s, true)", (str(org_id or ""),))


async def one(connection: Connection, statement: str, **parameters: object) -> dict[str, Any] | None:
    """The first row of a query's answer."""
    return await (await connection.execute(statement.encode(), parameters)).fetchone()


async def every(connection: Connection, statement: str, **parameters: object) -> list[dict[str, Any]]:
    """All rows of a query's answer."""
    return await (await connection.execute(statement.encode(), parameters)).fetchall()


def insert(table: str, row: Mapping[str, Any]) -> tuple[sql.Composed, dict[str, Any]]:
    """An INSERT of a row into `schema.table`, as a statement and its parameters."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    return statement, dict(row)
