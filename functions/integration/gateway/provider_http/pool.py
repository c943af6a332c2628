"""Connections to providers' servers, kept for the next call."""

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from aiohappyeyeballs import AddrInfoType, start_connection

from integration.gateway.provider_http.connection import HttpConnection
from integration.gateway.provider_http.errors import ConnectFailed
from llmo_core.addresses import Address, literal

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
        resolve: Finds the addresses of hosts; only to these is anything connected. A host that is an address itself
            is not asked for: look at those before.
        tls: Gives how certificates are checked.
        most: So many connections at the same time; further calls wait for one to end.
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
        self._places = asyncio.Semaphore(most)
        self._idle_seconds = idle_seconds
        self._idle: defaultdict[Origin, list[tuple[HttpConnection, float]]] = defaultdict(list)
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, origin: Origin) -> HttpConnection:
        """A connection, which `give_back` is called for once.

        Raises:
            ConnectFailed: When none can be made.
            TimeoutError: When the server does not take it in time.
        """
        await self._places.acquire()
        try:
            return self._kept(origin) or await self._connected(origin)
        except BaseException:
            self._places.release()
            raise

    def give_back(self, origin: Origin, connection: HttpConnection) -> None:
        """Keep a connection for the next call, or end it when it cannot be used again."""
        self._places.release()
        if not connection.reusable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        self._idle[origin].append((connection, loop.time()))
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_seconds, self._end_idle)

    def close(self) -> None:
        """End the connections that nothing uses."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for kept in self._idle.values():
            for connection, _ in kept:
                connection.abort()
        self._idle.clear()

    def _kept(self, origin: Origin) -> HttpConnection | None:
        kept = self._idle.get(origin)
        while kept:
            connection, _ = kept.pop()
            if not connection.lost:
                return connection
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
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                sock = await start_connection(
                    [_info(address, origin.port) for address in addresses],
                    happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
                    interleave=1,
                    loop=loop,
                )
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _, connection = await loop.create_connection(
                    HttpConnection,
                    sock=sock,
                    ssl=self._tls() if origin.tls else None,
                    server_hostname=origin.host if origin.tls else None,
                )
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectFailed(f"{origin.host}:{origin.port} cannot be reached: {error}") from error
        return connection

    async def _addresses(self, origin: Origin) -> Sequence[Address]:
        address = literal(origin.host)
        if address is not None:
            return [address]
        try:
            addresses = await self._resolve(origin.host, origin.port)
        except OSError as error:
            raise ConnectFailed(f"{origin.host} has no address: {error}") from error
        if not addresses:
            raise ConnectFailed(f"{origin.host} has no address")
        return addresses


def _info(address: Address, port: int) -> AddrInfoType:
    where = (str(address), port) if address.version == 4 else (str(address), port, 0, 0)  # noqa: PLR2004 - of IP
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - of IP
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where
