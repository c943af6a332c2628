"""A function behind the Lambda Web Adapter: an HTTP server that the front door proxies to.

The adapter's contract (variables, readiness check): https://github.com/awslabs/aws-lambda-web-adapter
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp

from local.process import end_leftover, free_port, note_process
from local.runtime.environment import lay_out_code, process_environment
from local.runtime.models import FunctionUnavailable
from local.runtime.process import last_lines, start_process, stop_process
from local.runtime.server import LOOPBACK
from local.stack import FunctionSpec, StackSpec

logger = logging.getLogger(__name__)

READINESS_INTERVAL_SECONDS = 0.03
STABLE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 15.0


class WebProcess:
    """Keeps a function's HTTP server running: again after a crash, and again when its code changes.

    Unlike workers, which end with the host that they ask for work, such a server outlives a host that was killed: a pid
    file beside the code root tells the next start which one to end.

    Args:
        spec: A function with `web_adapter`.
        stack: Whose part it is.
        code_root: Where the folder that stands for /var/task is made.
        log: Where its output goes.
        ready_seconds: How long it may take until the readiness check answers.
        grace_seconds: How long it may finish its requests after SIGTERM.
        pause: Waits between two starts of a server that keeps crashing.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        stack: StackSpec,
        *,
        code_root: Path,
        log: Path,
        ready_seconds: float = 30.0,
        grace_seconds: float = 3.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spec = spec
        self._stack = stack
        self._code_root = code_root
        self._log = log
        self._ready_seconds = ready_seconds
        self._grace_seconds = grace_seconds
        self._pause = pause
        self._restart = asyncio.Event()
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._supervisor: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; `url` tells when it is ready."""
        self._supervisor = asyncio.create_task(self._supervise())

    async def url(self) -> str:
        """Where the server listens, as soon as it is ready. Raises FunctionUnavailable when it does not start."""
        return await asyncio.shield(self._url)

    @property
    def ready(self) -> bool:
        """True while the server answers."""
        return self._url.done() and self._url.exception() is None

    def replace(self) -> None:
        """Stop the server and start it with new code. Requests that arrive meanwhile wait."""
        self._reset()
        self._restart.set()

    async def stop(self) -> None:
        """Stop the server. Safe to call twice."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        self._reset()
        self._url.cancel()

    async def _supervise(self) -> None:
        pause = 0.5
        while True:
            self._restart.clear()
            began = time.monotonic()
            crash = await self._run_once()
            if crash is None:
                continue
            self._reset()
            self._url.set_exception(FunctionUnavailable(crash))
            self._url.exception()  # seen: the log tells it even when no request asks
            logger.error("%s", crash)
            pause = 0.5 if time.monotonic() - began > STABLE_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
            await _first(self._pause(pause), self._restart.wait())
            self._reset()

    async def _run_once(self) -> str | None:
        """Run the server until it should restart (None) or has crashed (why)."""
        pid_file = self._code_root.parent / f"{self._spec.logical_id}.pid"
        await end_leftover(pid_file)
        task_root = lay_out_code(self._spec, self._code_root)
        environment = process_environment(self._spec, self._stack, task_root)
        port = free_port()
        environment |= {"AWS_LWA_PORT": str(port), "PORT": str(port)}
        script = str(task_root.absolute() / self._spec.handler)
        try:
            process = await start_process([script], environment=environment, folder=task_root, log=self._log)
        except OSError as error:
            return f"{self._spec.logical_id} cannot be started: {error}"
        note_process(pid_file, process.pid)
        try:
            check = environment.get("AWS_LWA_READINESS_CHECK_PATH", "/")
            url = f"http://{LOOPBACK}:{port}"
            try:
                async with asyncio.timeout(self._ready_seconds):
                    await _first(answers(url + check), process.wait(), self._restart.wait())
            except TimeoutError:
                return f"{self._spec.logical_id} does not answer {check} after {self._ready_seconds:.0f} seconds"
            if process.returncode is None and not self._restart.is_set():
                self._url.set_result(url)
                await _first(process.wait(), self._restart.wait())
            return None if self._restart.is_set() else self._crash(process.returncode)
        finally:
            await stop_process(process, grace_seconds=self._grace_seconds)
            pid_file.unlink(missing_ok=True)

    def _crash(self, return_code: int | None) -> str:
        return f"{self._spec.logical_id} ended with {return_code}; the end of {self._log}:\n{last_lines(self._log)}"

    def _reset(self) -> None:
        if self._url.done():
            self._url = asyncio.get_running_loop().create_future()


async def answers(url: str) -> None:
    """Return as soon as the server answers with anything but a server error, as the adapter asks."""
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(url) as response:
                    if response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                        return
            await asyncio.sleep(READINESS_INTERVAL_SECONDS)


async def _first(*awaitables: Awaitable[object]) -> None:
    """Wait until one of them is done, and cancel the others."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
