"""A server that answers with the bytes that a test gives it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from integration.gateway.provider_http.client import HttpClient, Timeouts
from integration.gateway.provider_http.pool import Origin
from llmo_core.addresses import resolve

type Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK: bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi"
AMPLE = Timeouts(5, 5, 5)


@dataclass
class RawServer:
    """A server.

    Attributes:
        url: Where it listens.
        connections: How many connections were made.
        requests: What came, each with its header section and body.
        arrived: Told of each request.
        ended: Told of each connection that its client ended.
    """

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrived: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    ended: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    async def request(self, reader: asyncio.StreamReader) -> bool:
        """Read one request; False when the client ended the connection instead."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.put_nowait(None)
            return False
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        self.requests.append(head + await reader.readexactly(length))
        self.arrived.put_nowait(None)
        return True


@asynccontextmanager
async def raw_server(
    *writes: bytes, handle: Handle | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """A server that answers each request with these writes, or does what `handle` does with each connection."""
    server = RawServer()
    open_to: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        open_to.add(writer)
        try:
            if handle is not None:
                await handle(reader, writer)
            else:
                while await server.request(reader):
                    for piece in writes:
                        writer.write(piece)
                        await writer.drain()
        finally:
            open_to.discard(writer)
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/v1/chat/completions"
        try:
            yield server
        finally:
            for writer in open_to:
                writer.transport.abort()


@asynccontextmanager
async def http_client() -> AsyncIterator[HttpClient]:
    """A client that is closed with the block."""
    client = HttpClient(resolve)
    try:
        yield client
    finally:
        client.close()


async def asked(client: HttpClient, url: str, *, timeouts: Timeouts = AMPLE) -> tuple[int, bytes]:
    """The status and the whole body of the answer to a request."""
    answer = await client.request("POST", url, {"content-type": "text/plain"}, b"hello", timeouts)
    try:
        return answer.status, await answer.read()
    finally:
        answer.close()


def origin_of(server: RawServer) -> Origin:
    """The server without the path."""
    return Origin(tls=False, host="127.0.0.1", port=int(server.url.split("/")[2].split(":")[1]))


def soon(seconds: float = 5) -> float:
    """A time of the loop's clock."""
    return asyncio.get_running_loop().time() + seconds
