"""Server processes that the laptop stack starts: logged, awaited, stopped with everything they started themselves.

Each runs in a session of its own, so that Ctrl-C in the terminal reaches only the stack, which then stops them in
order. Its identity is noted in a pid file: when the stack was killed and the server was not, the next start ends it.
"""

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.03
_KILL_WAIT_SECONDS = 5.0
_LOG_TAIL_LINES = 15
_PORTS_TRIED = 3


class StartError(Exception):
    """Something did not start; the message says what, and what to do about it."""


@dataclass
class ServerProcess:
    """One server in a child process.

    Attributes:
        name: What the user calls it; names its pid file too.
        command: Program and arguments.
        log: Receives its output, appended.
        pid_file: Notes which process it is, so that a later run recognises it.
        environment: Added to this process's environment.
        user: Run as this user; None keeps the current one.
        stop_signal: Asks it to end.
        stop_seconds: How long it may take to end before it is killed.
        cwd: Its working directory; it must be able to enter it.
    """

    name: str
    command: Sequence[str | Path]
    log: Path
    pid_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    cwd: Path | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self, ready: Callable[[], Awaitable[object]], *, timeout_seconds: float = 30.0) -> None:
        """Start it, and return when `ready` stops raising OSError or another Exception.

        Raises StartError with the end of its log when it ends or stays unready; nothing is left running then.
        """
        await end_leftover(self.pid_file, self.stop_signal)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - fork and exec take a millisecond; wait() would too
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                user=self.user,
                cwd=self.cwd,
                start_new_session=True,
            )
        note_process(self.pid_file, self._process.pid)
        try:
            await self._until_ready(ready, timeout_seconds)
        except BaseException:
            await self.stop()
            raise
        threading.Thread(target=self._watch, args=(self._process,), name=f"watch {self.name}", daemon=True).start()

    async def stop(self) -> None:
        """Ask it to end, kill it and what it started when it does not. Safe to repeat."""
        process, self._process = self._process, None
        if process is None:
            return
        await _end(process.pid, self.stop_signal, self.stop_seconds)
        process.wait()
        _forget(self.pid_file)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Tell the user when it ends without having been asked to."""
        process.wait()
        if self._process is process:
            logger.error("%s has ended by itself; start the stack again. %s", self.name, tail(self.log))

    async def _until_ready(self, ready: Callable[[], Awaitable[object]], timeout_seconds: float) -> None:
        assert self._process is not None  # noqa: S101 - start() has just made it
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            try:
                await ready()
            except Exception as error:  # whatever the client raises while nobody listens yet
                if self._process.poll() is not None:
                    raise StartError(f"{self.name} ended at once.\n{tail(self.log)}") from error
                if loop.time() > deadline:
                    raise StartError(
                        f"{self.name} is not ready after {timeout_seconds:.0f} s.\n{tail(self.log)}"
                    ) from error
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def on_free_port[T](start: Callable[[int], Awaitable[T]]) -> T:
    """What a server's start on a free port gives; on another one where somebody took that port meanwhile.

    Raises StartError.
    """
    for _ in range(_PORTS_TRIED - 1):
        port = free_port()
        try:
            return await start(port)
        except StartError:
            if not _is_taken(port):
                raise
    return await start(free_port())


def _is_taken(port: int) -> bool:
    try:
        check_port(port)
    except StartError:
        return True
    return False


def kept_port(note: Path) -> int:
    """The port that the last run noted, unless somebody else took it: addresses that users stored stay true."""
    port = int(note.read_text()) if note.exists() else 0
    try:
        check_port(port)
    except StartError:
        port = 0
    port = port or free_port()
    note.write_text(str(port))
    return port


def check_port(port: int) -> None:
    """Raise StartError when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise port_taken(port) from error


def port_taken(port: int) -> StartError:
    """What to say when somebody listens on the port that the user chose."""
    return StartError(f"Port {port} is taken. Stop what listens there, or choose another: make dev PORT={port + 1}")


def package_folder(name: str) -> Path | None:
    """Where an installed package that carries a program lies, without importing it; None without the package."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def tail(log: Path) -> str:
    """The last lines of a log, with its name."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:] if log.exists() else []
    return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


async def end_leftover(pid_file: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """End the process that an earlier run noted and left behind, if it is still that process."""
    if (pid := _noted(pid_file)) is not None:
        await _end(pid, stop_signal, _KILL_WAIT_SECONDS)
    _forget(pid_file)


def _noted(pid_file: Path) -> int | None:
    try:
        pid, created = pid_file.read_text().split()
        alive = f"{psutil.Process(int(pid)).create_time():.2f}" == created
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return int(pid) if alive else None


def _forget(pid_file: Path) -> None:
    pid_file.unlink(missing_ok=True)


def note_process(pid_file: Path, pid: int) -> None:
    """Note which process it is, for `end_leftover` of a later run."""
    with contextlib.suppress(psutil.NoSuchProcess):
        pid_file.write_text(f"{pid} {psutil.Process(pid).create_time():.2f}")


async def _end(pid: int, stop_signal: signal.Signals, seconds: float) -> None:
    """End a process and its descendants: politely, then by force."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.send_signal(stop_signal)
    except psutil.NoSuchProcess:
        return
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, seconds)
    for survivor in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            survivor.kill()
    await asyncio.to_thread(psutil.wait_procs, alive, _KILL_WAIT_SECONDS)
