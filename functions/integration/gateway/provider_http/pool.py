"""Connections to providers' servers, kept for the next call."""

import asyncio
import socket
import ssl
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from aiohappyeyeballs import AddrInfoType, start_connection

from integration.gateway.provider_http.connection import HttpConnection
from integration.gateway.provider_http.errors import ConnectFailed
from llmo_core.addresses import Address

_CONNECT_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 60.0
_MOST_CONNECTIONS: Final = 1000
_NEXT_ADDRESS_SECONDS: Final = 0.25  # RFC 8305, section 8: the recommended delay between attempts

type Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds the addresses of a host that may be connected to. Raises OSError, and what it refuses with."""


class Origin(NamedTuple):
    """A server: its host's name as it stands in a certificate, or an address without brackets."""

    tls: bool
    host: str
    port: int


class ConnectionPool:
    """Connections that no exchange uses are kept for a minute, the one that was used last first.

    Args:
        resolve: Finds the addresses of hosts, also of one that is an address itself; only to these is anything
            connected.
        tls: Gives how certificates are checked.
        most: So many are in use at the same time; further calls wait for one to end.
        idle_seconds: How long a connection is kept that nothing uses.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        tls: Callable[[], ssl.SSLContext],
        most: int = _MOST_CONNECTIONS,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._resolve = resolve
        self._tls = tls
        self._places = most  # a semaphore would cost as much as the rest of taking a connection that was kept
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle_seconds = idle_seconds
        self._idle: defaultdict[Origin, list[tuple[HttpConnection, float]]] = defaultdict(list)
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._lookups: dict[tuple[str, int], asyncio.Future[Sequence[Address]]] = {}

    async def take(self, origin: Origin, *, ends: float) -> HttpConnection:
        """A connection, which `give_back` is called for once.

        Args:
            origin: Whom it goes to.
            ends: When it is not waited for any more that another call ends, by the loop's clock.

        Raises:
            ConnectFailed: When none can be made.
            TimeoutError: When no call ends, or the server does not take it in time.
        """
        if self._places:
            self._places -= 1
        else:
            await self._turn(ends)
        try:
            return self._kept(origin) or await self._connected(origin)
        except BaseException:
            self._free_place()
            raise

    def give_back(self, origin: Origin, connection: HttpConnection) -> None:
        """Keep a connection for the next call, or end it when it cannot be used again."""
        self._free_place()
        if self._closed or not connection.reusable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        self._idle[origin].append((connection, loop.time()))
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_seconds, self._end_idle)

    def close(self) -> None:
        """End the connections that nothing uses, and those that are given back from now on."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for kept in self._idle.values():
            for connection, _ in kept:
                connection.abort()
        self._idle.clear()

    async def _turn(self, ends: float) -> None:
        """Wait for a place, which is handed on to those who wait in the order that they came in."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        async with asyncio.timeout_at(ends):
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # it came at the same moment
                    self._free_place()
                raise

    def _free_place(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1

    def _kept(self, origin: Origin) -> HttpConnection | None:
        kept = self._idle.get(origin)
        while kept:
            connection, _ = kept.pop()
            if connection.quiet:
                return connection
            connection.abort()
        return None

    def _end_idle(self) -> None:
        """End what was not used for too long, and look again when the next one will be."""
        self._sweep = None
        loop = asyncio.get_running_loop()
        now, oldest = loop.time(), None
        for origin, kept in [*self._idle.items()]:
            ended = [connection for connection, since in kept if since + self._idle_seconds <= now]
            for connection in ended:
                connection.abort()
            kept[:] = [(connection, since) for connection, since in kept if not connection.lost]
            if kept:
                oldest = kept[0][1] if oldest is None else min(oldest, kept[0][1])
            else:
                del self._idle[origin]
        if oldest is not None:
            self._sweep = loop.call_at(oldest + self._idle_seconds, self._end_idle)

    async def _connected(self, origin: Origin) -> HttpConnection:
        addresses = await self._addresses(origin)
        tls = self._tls() if origin.tls else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                sock = await start_connection(
                    [_info(address, origin.port) for address in addresses],
                    happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
                    interleave=1,
                    loop=loop,
                )
                _, connection = await loop.create_connection(
                    HttpConnection,
                    sock=sock,
                    ssl=tls,
                    server_hostname=origin.host.rstrip(".") if tls else None,
                )
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectFailed(f"{origin.host}:{origin.port} cannot be reached: {error}") from error
        return connection

    async def _addresses(self, origin: Origin) -> Sequence[Address]:
        try:
            addresses = await asyncio.shield(self._lookup(origin.host, origin.port))
        except OSError as error:
            raise ConnectFailed(f"{origin.host} has no address: {error}") from error
        if not addresses:
            raise ConnectFailed(f"{origin.host} has no address")
        return addresses

    def _lookup(self, host: str, port: int) -> asyncio.Future[Sequence[Address]]:
        """One for all who want to know now: many calls to a host whose name servers are slow hold one place there."""
        lookup = self._lookups.get((host, port))
        if lookup is None:
            lookup = self._lookups[host, port] = asyncio.ensure_future(self._resolve(host, port))

            def ended(lookup: asyncio.Future[Sequence[Address]]) -> None:
                del self._lookups[host, port]
                if not lookup.cancelled():
                    lookup.exception()  # which is nobody's mistake when all have gone meanwhile

            lookup.add_done_callback(ended)
        return lookup


def _info(address: Address, port: int) -> AddrInfoType:
    where = (str(address), port) if address.version == 4 else (str(address), port, 0, 0)  # noqa: PLR2004 - of IP
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - of IP
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where
