"""MongoDB: MONGODB_URI, else `mongod` on PATH, else `secantusdb`, which speaks its protocol.

secantusdb lacks time-series collections and text indexes, and groups large unindexed collections slowly. It is
GPL-2.0: it runs as a process of its own, and nothing imports it.
"""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pymongo import AsyncMongoClient

from local.process import ServerProcess, end_leftover, on_free_port
from local.stores.store import ExternalStore, Store

_CONNECT_MS = 5_000
_STOP_SECONDS = 20.0
_KNOCK_SECONDS = 0.02


def mongodb_store(state: Path, environment: Mapping[str, str] = os.environ) -> Store:
    """The store that the environment asks for.

    Args:
        state: The stack's state folder, `.local`.
        environment: MONGODB_URI in it names a server that runs already; PATH is searched for `mongod`.
    """
    if uri := environment.get("MONGODB_URI"):
        return ExternalStore("MongoDB at MONGODB_URI", uri, _ping)
    if found := shutil.which("mongod", path=environment.get("PATH")):
        command = [found, "--bind_ip", "127.0.0.1", "--nounixsocket", "--dbpath"]
        return LocalMongodb(state, "mongod from PATH", "mongod", command)
    command = [sys.executable, "-m", "secantus", "--host", "127.0.0.1", "--standalone", "--sync-on-commit"]
    command += ["--cache-size", "256M", "--log-level", "WARNING", "--storage-path"]
    return LocalMongodb(state, "secantusdb (embedded, speaks MongoDB's protocol)", "secantus", command)


class LocalMongodb:
    """A server on a free port of 127.0.0.1. Each kind has a data folder of its own: they cannot read the other's.

    Args:
        state: The stack's state folder.
        kind: For the banner.
        folder: The data folder's name in `state`.
        command: Program and options; the data folder and the port are added at the end.
    """

    def __init__(self, state: Path, kind: str, folder: str, command: Sequence[str]) -> None:
        self.kind = kind
        self._state = state
        self._data = state / folder
        self._command = command
        self._pid_file = state / "run" / "mongodb.pid"
        self._server: ServerProcess | None = None
        self._port = 0

    async def start(self) -> str:
        """Its URI, once it answers a ping. Raises StartError."""
        self._data.mkdir(parents=True, exist_ok=True)
        return await on_free_port(self._start)

    async def _start(self, port: int) -> str:
        self._port = port
        uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        self._server = ServerProcess(
            "MongoDB",
            [*self._command, self._data.absolute(), "--port", str(port)],
            log=self._state / "logs" / "mongodb.log",
            pid_file=self._pid_file,
            stop_seconds=_STOP_SECONDS,
            cwd=self._data.absolute(),
        )
        await self._server.start(lambda: _ready(port, uri))
        return uri

    async def stop(self) -> None:
        """Stop it after it wrote a checkpoint."""
        if self._server is None:
            return
        stopping = asyncio.create_task(self._server.stop())
        # secantusdb waits two seconds for its listening thread, which sleeps until somebody calls.
        while await _connects(self._port) and not (await asyncio.wait({stopping}, timeout=_KNOCK_SECONDS))[0]:
            pass
        await stopping

    async def reset(self) -> None:
        """Delete its files."""
        await end_leftover(self._pid_file)
        if self._data.exists():
            await asyncio.to_thread(shutil.rmtree, self._data)


async def _ready(port: int, uri: str) -> None:
    """Ping once somebody listens: a client that is closed while it connects leaves its socket open."""
    if not await _connects(port):
        raise ConnectionRefusedError
    await _ping(uri)


async def _ping(uri: str) -> None:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        uri, serverSelectionTimeoutMS=_CONNECT_MS, serverMonitoringMode="poll"
    )
    async with client:
        await client.admin.command("ping")


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
