"""Requests to providers' servers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache, lru_cache
from typing import Final, NamedTuple

from yarl import URL

from integration.gateway.provider_http.connection import HttpConnection
from integration.gateway.provider_http.errors import ConnectionBroken
from integration.gateway.provider_http.pool import ConnectionPool, Origin, Resolve

_ACCEPT: Final = "accept: */*"
_USER_AGENT: Final = "user-agent: LLMOptimizer"  # some servers refuse a client that does not name itself


class Timeouts(NamedTuple):
    """How long a server is waited for, in seconds.

    Attributes:
        first_byte: While it neither reads what it is sent nor says anything.
        between_pieces: While it says nothing more.
        total: For all of its answer, with the wait for a turn when there are too many calls. Names and connections have
            limits of their own.
    """

    first_byte: float
    between_pieces: float
    total: float


class _Place(NamedTuple):
    """What a URL says."""

    origin: Origin
    host: str
    target: str


class Answer:
    """An answer whose header section is here.

    Attributes:
        status: The status code.
        headers: The fields, with names in lower case; of a repeated one the first.
    """

    def __init__(self, pool: ConnectionPool, origin: Origin, connection: HttpConnection, between_pieces: float) -> None:
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self._pool = pool
        self._origin = origin
        self._connection: HttpConnection | None = connection
        self._between_pieces = between_pieces

    async def read(self) -> bytes:
        """The whole body. Raises ConnectionBroken, TimeoutError."""
        parts = []
        while piece := await self._piece():
            parts.append(piece)
        return b"".join(parts)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ConnectionBroken, TimeoutError."""
        while piece := await self._piece():
            yield piece

    def close(self) -> None:
        """Stop reading: the connection of a whole answer is kept, that of any other ended. Twice is once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(self._origin, connection)

    async def _piece(self) -> bytes:
        if self._connection is None:
            raise ConnectionBroken("The answer was closed.")
        return await self._connection.piece(self._between_pieces)


@cache
def machine_tls() -> ssl.SSLContext:
    """Certificates by the machine's own authorities, which take 20 ms to read: once, and only where TLS is spoken."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class HttpClient:
    """Asks servers, over TLS or without.

    It follows no redirects, keeps no cookies, uses no proxies and repeats nothing.

    Args:
        resolve: Finds the addresses of hosts; see ConnectionPool.
        tls: Gives how certificates are checked, asked before each connection: the machine's own authorities.
    """

    def __init__(self, resolve: Resolve, *, tls: Callable[[], ssl.SSLContext] = machine_tls) -> None:
        self._pool = ConnectionPool(resolve, tls=tls)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> Answer:
        """The answer to a request, whose `close` is called once it was read.

        Raises:
            ConnectFailed: When the server cannot be reached.
            ConnectionBroken: When the connection breaks, or its answer is no HTTP.
            TimeoutError: When it is silent for too long.
            ValueError: For a URL or a header that cannot be sent.
        """
        place = _place(url)
        head = _head(method, place, headers, body)
        ends = asyncio.get_running_loop().time() + timeouts.total
        connection = await self._pool.take(place.origin, ends=ends)
        try:
            await connection.exchange(head, body or b"", patience=timeouts.first_byte, ends=ends)
        except BaseException:
            self._pool.give_back(place.origin, connection)
            raise
        return Answer(self._pool, place.origin, connection, timeouts.between_pieces)

    def close(self) -> None:
        """End the connections that nothing uses."""
        self._pool.close()


def _head(method: str, place: _Place, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The request's line and header section; names of headers are in lower case."""
    fields = [f"{name}: {value}" for name, value in headers.items()]
    if "accept" not in headers:
        fields.append(_ACCEPT)
    if "user-agent" not in headers:
        fields.append(_USER_AGENT)
    if body is not None or method == "POST":
        fields.append(f"content-length: {len(body or b'')}")
    text = "\r\n".join((f"{method} {place.target} HTTP/1.1", f"host: {place.host}", *fields))
    if text.count("\n") != len(fields) + 1 or text.count("\r") != len(fields) + 1 or "\0" in text:
        raise ValueError("a header of the request has a line break in it")
    return f"{text}\r\n\r\n".encode()


@lru_cache(maxsize=4096)
def _place(url: str) -> _Place:
    parsed = URL(url)
    if parsed.scheme not in {"http", "https"} or parsed.raw_host is None or parsed.port is None:
        raise ValueError("a provider's URL is an absolute one of HTTP")
    origin = Origin(parsed.scheme == "https", parsed.raw_host, parsed.port)
    return _Place(origin, parsed.host_port_subcomponent or "", parsed.raw_path_qs)
