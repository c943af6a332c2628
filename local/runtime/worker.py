"""One worker: a process with Lambda's Python client in it, and the Runtime API it talks to."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.runtime.api import RuntimeApi
from local.runtime.environment import function_arn, lay_out_code, process_environment
from local.runtime.models import (
    InitFailed,
    Invocation,
    RuntimeHostError,
    Work,
    error_payload,
    exit_reason,
    exited,
    timed_out,
)
from local.runtime.process import start_process, stop_process
from local.stack import FunctionSpec, StackSpec

AWS_CLIENT = (sys.executable, "-m", "awslambdaric")
"""AWS's own runtime client, unchanged: the managed runtime starts the same program."""

STOP_SECONDS = 2.0


class WorkerLauncher:
    """Starts workers of one function.

    Args:
        spec: The function.
        stack: Whose part it is.
        code_root: Where the folder that stands for /var/task is made.
        log: Where its output goes.
        init_seconds: How long importing the handler may take.
        command: The runtime client, which gets the handler as its only argument.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        stack: StackSpec,
        *,
        code_root: Path,
        log: Path,
        init_seconds: float,
        command: Sequence[str] = AWS_CLIENT,
    ) -> None:
        self.spec = spec
        self._stack = stack
        self._code_root = code_root
        self._log = log
        self._init_seconds = init_seconds
        self._command = command

    async def launch(self) -> "Worker":
        """Start a worker and wait until it asks for work. Raises InitFailed; leaves no process behind then."""
        try:
            return await self._launch()
        except OSError as error:
            raise InitFailed(error_payload("Runtime.InvalidEntrypoint", str(error))) from error

    async def _launch(self) -> "Worker":
        task_root = lay_out_code(self.spec, self._code_root)
        environment = process_environment(self.spec, self._stack, task_root)
        api = RuntimeApi(function_arn(self._stack, self.spec.logical_id))
        environment["AWS_LAMBDA_RUNTIME_API"] = await api.start()
        try:
            process = await start_process(
                [*self._command, self.spec.handler], environment=environment, folder=task_root, log=self._log
            )
        except BaseException:
            await api.stop()
            raise
        worker = Worker(api, process, timeout_seconds=self.spec.timeout_seconds, log=self._log)
        try:
            await worker.initialised(self._init_seconds)
        except BaseException:
            await worker.stop(grace_seconds=0)
            raise
        return worker


class Worker:
    """A live worker. It takes one invocation at a time."""

    def __init__(
        self, api: RuntimeApi, process: asyncio.subprocess.Process, *, timeout_seconds: float, log: Path
    ) -> None:
        self._api = api
        self._process = process
        self._timeout_seconds = timeout_seconds
        self._log = log
        self._result: asyncio.Future[Invocation] | None = None
        self._exit = asyncio.create_task(self._watch_exit())
        self.usable = True

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def initialised(self, seconds: float) -> None:
        """Wait until the worker asks for its first invocation. Raises InitFailed."""
        started: asyncio.Future[None] = self._api.initialised
        ends: tuple[asyncio.Future[None] | asyncio.Task[int], ...] = (started, self._exit)
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            started.result()
        elif self._exit.done():
            raise InitFailed(error_payload("Runtime.ExitError", exit_reason(self._exit.result())))
        else:
            raise InitFailed(error_payload("Sandbox.Timedout", f"Init phase timed out after {seconds:.2f} seconds"))

    async def invoke(self, work: Work) -> Invocation:
        """Run one invocation. Never raises for what the function does; afterwards `usable` may be False."""
        if not self.usable:
            return exited(work.request_id, self._process.returncode or 0)
        self._result = self._api.submit(work, self._timeout_seconds)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._result
        except TimeoutError:
            self.usable = False
            self._note(work, f"Task timed out after {self._timeout_seconds:.2f} seconds")
            await stop_process(self._process, grace_seconds=0)
            return timed_out(work.request_id, self._timeout_seconds)
        except _Exited as error:
            self._note(work, exit_reason(error.return_code))
            return exited(work.request_id, error.return_code)
        finally:
            self._result = None

    async def stop(self, *, grace_seconds: float = STOP_SECONDS) -> None:
        """End the process and close its API. Safe to call twice."""
        self.usable = False
        await stop_process(self._process, grace_seconds=grace_seconds)
        await self._exit
        await self._api.stop()

    async def _watch_exit(self) -> int:
        return_code = await self._process.wait()
        self.usable = False
        if self._result is not None and not self._result.done():
            self._result.set_exception(_Exited(return_code))
        return return_code

    def _note(self, work: Work, message: str) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{moment} {work.request_id} {message}\n")


class _Exited(RuntimeHostError):
    def __init__(self, return_code: int) -> None:
        super().__init__(exit_reason(return_code))
        self.return_code = return_code
