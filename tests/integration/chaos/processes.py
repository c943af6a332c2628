"""Worker processes, from the test's side."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Self

from tests.integration.chaos.settings import WorkerSettings


class Worker:
    """One worker process, which stops at each checkpoint until it may go on. `async with` ends with its death."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.chaos.worker", self._settings.model_dump_json()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill it, if that was not done yet."""
        await self.kill()

    async def checkpoints(self) -> AsyncIterator[dict[str, Any]]:
        """Where it stops, one after another; it goes on when the next one is asked for. Ends with the process."""
        while line := await self._running.stdout_line():
            fact = json.loads(line)
            if "at" in fact:
                yield fact
                self._running.go_on()

    async def reached(self, at: str) -> dict[str, Any]:
        """The next checkpoint of this kind, where it now stops."""
        while line := await self._running.stdout_line():
            fact = json.loads(line)
            if fact.get("at") == at:
                found: dict[str, Any] = fact
                return found
            if "at" in fact:
                self._running.go_on()
        raise AssertionError(f"the worker died before it reached {at}")

    async def kill(self) -> None:
        """SIGKILL. Safe to repeat."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def go_on(self) -> None:
        """Let it leave its checkpoint."""
        self._running.go_on()

    @property
    def _running(self) -> "_Streams":
        assert self._process is not None
        return _Streams(self._process)


class _Streams:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    async def stdout_line(self) -> bytes:
        return await self._stdout.readline()

    def go_on(self) -> None:
        self._stdin.write(b"\n")
