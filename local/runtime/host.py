"""The host: one object that runs every function of the stack."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from local.metrics.meter import Meter
from local.runtime.models import FunctionUnavailable, HostStopped, Invocation, UnknownFunction, Work
from local.runtime.pool import WorkerPool
from local.runtime.reload import watch_sources
from local.runtime.web_process import WebProcess
from local.runtime.worker import WorkerLauncher
from local.stack import FunctionSpec, StackSpec

logger = logging.getLogger(__name__)


class RuntimeHost:
    """Runs the functions of a stack as Lambda does, each in processes of its own.

    Args:
        stack: The functions and their environment.
        state_dir: `.local`: code folders go to `run/code`, logs to `logs/<function>.log`.
        workers_per_function: At most this many invocations of one function run at once; more wait.
        idle_seconds: Workers without work are stopped after this long.
        init_seconds: How long a worker may take to import its handler.
        watch: Replace workers when the code of their function changes on disk.

    Attributes:
        meter: Counts invocations, and how long they take.
    """

    def __init__(
        self,
        stack: StackSpec,
        *,
        state_dir: Path,
        workers_per_function: int = 8,
        idle_seconds: float = 600.0,
        init_seconds: float = 60.0,
        watch: bool = True,
    ) -> None:
        self._stack = stack
        self._state_dir = state_dir
        self._workers_per_function = workers_per_function
        self._idle_seconds = idle_seconds
        self._init_seconds = init_seconds
        self._watch = watch
        self.meter = Meter()
        self._launchers: dict[str, WorkerLauncher] = {}
        self._pools: dict[str, WorkerPool] = {}
        self._web: dict[str, WebProcess] = {}
        self._events: set[asyncio.Task[None]] = set()
        self._stop_watching = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the web functions and the watcher. Workers start with their first invocation, or with `warm`."""
        for spec in self._stack.functions.values():
            if spec.web_adapter:
                self._web[spec.logical_id] = self._web_process(spec)
                self._web[spec.logical_id].start()
            else:
                self._pools[spec.logical_id] = self._pool(spec)
        if self._watch:
            self._watcher = asyncio.create_task(self._follow_changes())

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Invoke a function and wait for its result.

        What the function does wrong is in the result, not raised. Raises UnknownFunction, HostStopped.
        """
        work = Work(payload, trace_id=trace_id) if trace_id else Work(payload)
        return await self._pool_of(function).invoke(work)

    def send(self, function: str, payload: bytes) -> str:
        """Invoke a function without waiting, and return the request id. A failure is logged. Raises UnknownFunction.

        Lambda would retry twice, after one and two minutes; the laptop does not: the log shows the failure at once.
        """
        pool = self._pool_of(function)
        work = Work(payload)
        task = asyncio.create_task(self._run_event(function, pool, work))
        self._events.add(task)
        task.add_done_callback(self._events.discard)
        return work.request_id

    async def web_url(self, function: str) -> str:
        """Where a web adapter function listens; waits while it starts. Raises FunctionUnavailable."""
        process = self._web.get(function)
        if process is None:
            raise FunctionUnavailable(f"{function} is no web adapter function, or the host is not started")
        return await process.url()

    def warm(self, functions: Iterable[str]) -> None:
        """Start one worker of each function in the background, ahead of its first invocation."""
        for name in functions:
            if name in self._pools:
                self._pools[name].warm()

    def replace(self, functions: Iterable[str]) -> None:
        """Run the functions' code as it is on disk now, from the next invocation on."""
        for name in functions:
            unit = self._pools.get(name) or self._web.get(name)
            if unit is not None:
                unit.replace()

    def configure(self, name: str, value: str) -> Sequence[str]:
        """Give a variable another value in every function that has it, as UpdateFunctionConfiguration would.

        From the next invocation on its workers have it. Returns the functions.
        """
        configured = [function for function, launcher in self._launchers.items() if name in launcher.spec.environment]
        for function in configured:
            launcher = self._launchers[function]
            launcher.spec = replace(launcher.spec, environment={**launcher.spec.environment, name: value})
            self._pools[function].replace()
        return configured

    def health(self) -> dict[str, object]:
        """Tell what runs: `ready` of each web function, number of live workers of each other one."""
        return {
            **{name: {"ready": process.ready} for name, process in self._web.items()},
            **{name: {"ready": True, "workers": pool.size} for name, pool in self._pools.items()},
        }

    def log_path(self, function: str) -> Path:
        """Return the file that holds what the function prints."""
        return self._state_dir / "logs" / f"{function}.log"

    async def stop(self) -> None:
        """Stop the watcher and every process. Safe to call twice."""
        self._stop_watching.set()
        if self._watcher is not None:
            await self._watcher
            self._watcher = None
        await asyncio.gather(
            *(pool.stop() for pool in self._pools.values()), *(process.stop() for process in self._web.values())
        )
        if self._events:
            await asyncio.wait(self._events)

    async def _run_event(self, function: str, pool: WorkerPool, work: Work) -> None:
        try:
            invocation = await pool.invoke(work)
        except HostStopped:
            logger.warning("%s was to run once more, but the host is stopping", function)
            return
        if invocation.function_error:
            logger.error("%s failed: %s", function, invocation.payload.decode(errors="replace")[:2000])

    async def _follow_changes(self) -> None:
        async for affected in watch_sources(self._stack.functions, self._stop_watching):
            self.replace(affected)

    def _pool_of(self, function: str) -> WorkerPool:
        pool = self._pools.get(function)
        if pool is None:
            speaks_http = "it speaks HTTP, so call it through the front door"
            known = speaks_http if function in self._web else f"there are {', '.join(sorted(self._pools))}"
            raise UnknownFunction(f"Function not found: {function}; {known}")
        return pool

    def _pool(self, spec: FunctionSpec) -> WorkerPool:
        launcher = self._launchers[spec.logical_id] = WorkerLauncher(
            spec,
            self._stack,
            code_root=self._code_root,
            log=self.log_path(spec.logical_id),
            init_seconds=self._init_seconds,
        )
        return WorkerPool(
            spec.logical_id,
            launcher.launch,
            limit=self._workers_per_function,
            idle_seconds=self._idle_seconds,
            meter=self.meter,
        )

    def _web_process(self, spec: FunctionSpec) -> WebProcess:
        return WebProcess(spec, self._stack, code_root=self._code_root, log=self.log_path(spec.logical_id))

    @property
    def _code_root(self) -> Path:
        return self._state_dir / "run" / "code"
