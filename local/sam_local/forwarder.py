"""Lets containers reach this machine's stores, which listen on 127.0.0.1 only.

It listens on the container bridge's own address, which only this machine and its containers reach, and only while it
runs.
"""

import asyncio
import contextlib
import socket
from typing import Self

from local.process import StartError

_CHUNK_BYTES = 65_536
_IP_FREEBIND = 15  # Linux's, in <linux/in.h>: Python has no name for it; only Linux has the bridge on this machine
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Forwarder:
    """Passes TCP connections to one address on to the ports of 127.0.0.1. `async with` ends it.

    Args:
        address: Where containers find this machine. None when the engine itself leads them to 127.0.0.1.
        name: What containers call it.
    """

    def __init__(self, address: str | None, name: str) -> None:
        self._address = address
        self._name = name
        self._servers: list[asyncio.Server] = []
        self._relays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Nothing listens yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, and end every connection."""
        for server in self._servers:
            server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def reachable(self, host: str, port: int) -> tuple[str, int]:
        """Where containers reach a server: its own address, unless that is this machine's loopback.

        Raises StartError when the bridge's address cannot be listened on.
        """
        if host not in _LOOPBACK:
            return host, port
        if self._address is None:
            return self._name, port

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._relays.add(task)
                task.add_done_callback(self._relays.discard)
            await _relay(reader, writer, port)

        server = await asyncio.start_server(relay, sock=_listening(self._address))
        self._servers.append(server)
        return self._name, server.sockets[0].getsockname()[1]


def _listening(address: str) -> socket.socket:
    """A bound socket; the address may be one that the bridge gets only with its first container."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    try:
        listener.bind((address, 0))
    except OSError as error:
        listener.close()
        raise StartError(f"Nothing can listen on {address}, this machine's address for containers: {error}") from error
    listener.setblocking(False)  # noqa: FBT003 - the socket's own interface takes no name for it
    return listener


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()
        return
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(_copy(reader, far_writer))
            directions.create_task(_copy(far_reader, writer))
    finally:
        writer.close()
        far_writer.close()
        for side in (writer, far_writer):
            with contextlib.suppress(OSError):
                await side.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until its end, and then the end. A reset connection counts as ended."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
