"""A TCP relay that a test cuts: what a lost network does to a client, without touching the client or the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast


class Proxy:
    """Relays connections to one server.

    Attributes:
        port: Where it listens on 127.0.0.1.
        cut_connections: How many connections were cut while they were open.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.cut_connections = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def point_at(self, host: str, port: int) -> None:
        """Relay new connections to another server: the same one, after a restart."""
        self._target = (host, port)

    def cut(self) -> None:
        """Reset every open connection; new ones are relayed."""
        for writer in self._writers:
            writer.transport.abort()
        self.cut_connections += len(self._writers) // 2

    def silence(self) -> None:
        """Relay nothing more on the open connections, and leave them open; new ones are relayed."""
        for writer in self._writers:
            cast("asyncio.ReadTransport", writer.transport).pause_reading()

    def go_down(self) -> None:
        """Reset every open connection and refuse new ones. Safe to repeat."""
        assert self._server is not None
        self._server.close()
        self.cut()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, upstream_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, upstream_writer))
                pumps.create_task(_pump(upstream_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.close()
    except ConnectionError:
        writer.transport.abort()


@asynccontextmanager
async def running_proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy that listens."""
    proxy = Proxy(host, port)
    await proxy.start()
    try:
        yield proxy
    finally:
        proxy.go_down()
