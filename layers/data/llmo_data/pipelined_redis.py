"""Redis for the gateway's hot path: one connection that all tasks of a process share.

Commands that tasks issue in the same turn of the loop leave in one write, and replies come back in order, so there is
no pool to wait for and no task per command. A command costs 5 microseconds of CPU where redis-py takes 60
(docs/benchmarks.md); the protocol itself is hiredis. Everything off the hot path uses `llmo_data.redis`.
"""

import asyncio
import ssl
from collections import deque
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

type Argument = bytes | str | int | float

_CONNECT_SECONDS: Final = 2.0


class PipelinedRedis:
    """A client of one Redis or Valkey server. It connects at the first use, and again after the connection is lost.

    Nothing is sent twice: a command whose connection breaks fails with a ConnectionError, and whether it had an effect
    is unknown.

    Args:
        url: `redis://` or `rediss://`, with user, password and database as redis-py reads them.
        timeout_seconds: A connection whose oldest command waits longer is given up.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 2.0) -> None:
        self._options = parse_url(url)
        self._timeout = timeout_seconds
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None

    async def call(self, *command: Argument) -> Any:  # noqa: ANN401 - a reply is whatever the command replies
        """Send a command and give its reply, bytes undecoded.

        Raises redis-py's own errors: ConnectionError, TimeoutError, NoScriptError, ResponseError.
        """
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connected()
        return await connection.send(command)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connected(self) -> "_Connection":
        """The connection, made by one task while all others wait for it."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connect_ended)
        return await asyncio.shield(self._connecting)

    def _connect_ended(self, connecting: "asyncio.Task[_Connection]") -> None:
        self._connecting = None
        if not connecting.cancelled() and connecting.exception() is None:
            self._connection = connecting.result()

    async def _connect(self) -> "_Connection":
        options = self._options
        context = ssl.create_default_context() if options.get("connection_class") is SSLConnection else None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self._timeout),
                    options.get("host", "localhost"),
                    options.get("port", 6379),
                    ssl=context,
                )
                await self._introduce(connection)
        except (OSError, TimeoutError) as error:
            raise RedisConnectionError(f"Redis cannot be reached: {error}") from error
        return connection

    async def _introduce(self, connection: "_Connection") -> None:
        """Log in and choose the database, as the URL says."""
        options = self._options
        try:
            if options.get("password"):
                await connection.send(("AUTH", options.get("username") or "default", options["password"]))
            if options.get("db"):
                await connection.send(("SELECT", options["db"]))
        except BaseException:
            connection.close()
            raise


class _Connection(asyncio.Protocol):
    """One connection and the replies it owes."""

    def __init__(self, timeout: float) -> None:
        self.lost = False
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=_reply_error)
        self._transport: asyncio.Transport | None = None
        self._owed: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._outgoing: list[bytes] = []
        self._watch: asyncio.TimerHandle | None = None

    def send(self, command: tuple[Argument, ...]) -> asyncio.Future[Any]:
        """Queue a command; the future is its reply."""
        reply: asyncio.Future[Any] = self._loop.create_future()
        if self.lost:
            reply.set_exception(RedisConnectionError("The connection to Redis was lost"))
            return reply
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(hiredis.pack_command(command))  # type: ignore[arg-type] # the stub says a tuple of one
        self._owed.append((self._loop.time(), reply))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout, self._check_oldest)
        return reply

    def close(self) -> None:
        """Close it; commands that are under way fail."""
        if self._transport is not None:
            self._transport.close()
        self._fail(RedisConnectionError("The connection to Redis was closed"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand out the replies in the order of their commands."""
        self._reader.feed(data)
        while (value := self._reader.gets()) is not False:
            _, reply = self._owed.popleft()
            if reply.done():
                continue  # its task was cancelled
            if isinstance(value, RedisError):
                reply.set_exception(value)
            else:
                reply.set_result(value)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is still owed."""
        self._fail(RedisConnectionError(f"The connection to Redis was lost: {exc or 'closed by the server'}"))

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._transport is not None and not self.lost:
            self._transport.write(b"".join(outgoing))

    def _check_oldest(self) -> None:
        self._watch = None
        if not self._owed:
            return
        waited = self._loop.time() - self._owed[0][0]
        if waited >= self._timeout:
            self._fail(RedisTimeoutError(f"Redis did not answer for {self._timeout:g} s"))
            if self._transport is not None:
                self._transport.abort()
        else:
            self._watch = self._loop.call_later(self._timeout - waited, self._check_oldest)

    def _fail(self, error: RedisError) -> None:
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._owed:
            _, reply = self._owed.popleft()
            if not reply.done():
                reply.set_exception(error)


def _reply_error(message: str) -> RedisError:
    kind = NoScriptError if message.startswith("NOSCRIPT") else ResponseError
    return kind(message)
