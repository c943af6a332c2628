"""The laptop stack in a process of its own, started as `make dev` starts it and stopped as Ctrl-C stops it."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from local.stores.postgres import postgres_store

ROOT = Path(__file__).parents[2]
UPSTREAMS = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
STORES = ("DATABASE_URL", "REDIS_URL", "MONGODB_URI")
_START_SECONDS = 120
_STOP_SECONDS = 60
_LOG_LINES = 20


class Stack:
    """One laptop stack.

    Args:
        state: Its state folder; what is in there is found again.
        without: Variables that it shall not see.
        environment: Variables that it shall see besides.
    """

    def __init__(
        self, state: Path, *, without: tuple[str, ...] = UPSTREAMS, environment: Mapping[str, str] | None = None
    ) -> None:
        self.state = state
        kept = {name: value for name, value in os.environ.items() if name not in without}
        self._environment = kept | dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread()
        self._said: list[str] = []

    def start(self) -> None:
        """Return when the banner is complete; fail with everything that was said and logged otherwise."""
        self._said, ready = [], threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - a list that is made here
            [sys.executable, "-m", "local", "dev", "--port", "0", "--state", str(self.state)],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, args=(self._process, ready), daemon=True)
        self._reader.start()
        ready.wait(_START_SECONDS)
        if "Ctrl-C stops it." not in self.said:
            self.kill()
            raise AssertionError(f"The stack did not start.\n{self.report()}")

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._said.append(line)
            if "Ctrl-C stops it." in line:
                ready.set()
        ready.set()

    def stop(self) -> None:
        """Press Ctrl-C; fail when it does not end well or leaves a process behind."""
        process = self._process
        assert process is not None
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        status = process.wait(_STOP_SECONDS)
        self._process = None
        self._hang_up(process)
        survivors = [str(member) for member in family if _runs(member)]
        assert (status, survivors) == (0, []), self.report()

    def kill(self) -> None:
        """End it and its children without ceremony. Safe to repeat, and after `stop`."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            for member in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            process.kill()
        process.wait(_STOP_SECONDS)
        self._hang_up(process)

    def clean(self) -> None:
        """Delete what it keeps outside its state folder: root's PostgreSQL, which runs as another user."""
        asyncio.run(postgres_store(self.state, "", {}).reset())

    def _hang_up(self, process: subprocess.Popen[str]) -> None:
        """Read what it said last, and close the pipe."""
        self._reader.join(_STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()

    @property
    def running(self) -> bool:
        """Whether anybody's process runs on this state."""
        return (self.state / "stack.json").exists()

    @property
    def said(self) -> str:
        """What it printed since its last start."""
        return "".join(self._said)

    @property
    def demo(self) -> Mapping[str, str]:
        """`demo.json`: the account to use."""
        return self._read("demo.json")

    @property
    def addresses(self) -> Mapping[str, str]:
        """`stack.json`: where its servers are."""
        return self._read("stack.json")

    def pid_of(self, server: str) -> int:
        """The process of one of its servers, such as `redis`."""
        return int((self.state / "run" / f"{server}.pid").read_text().split()[0])

    def report(self) -> str:
        """What it said, and the end of every log."""
        logs = sorted((self.state / "logs").rglob("*.log"))
        tails = (
            "\n".join([f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-_LOG_LINES:]]) for log in logs
        )
        return "\n".join([self.said, *tails])

    def _read(self, name: str) -> Mapping[str, str]:
        content: dict[str, str] = json.loads((self.state / name).read_text())
        return content


@contextlib.contextmanager
def own_stack(
    state: Path, *, environment: Mapping[str, str] | None = None, without: tuple[str, ...] = ()
) -> Iterator[Stack]:
    """A running stack that nobody shares, on stores of its own. It is killed at the end, if it still runs."""
    stack = Stack(state, without=(*UPSTREAMS, *STORES, *without), environment=environment)
    try:
        stack.start()
        yield stack
    finally:
        stack.kill()
        stack.clean()


@contextlib.contextmanager
def shared_stack(folder: Path) -> Iterator[Stack]:
    """One running stack for all test processes that share the folder.

    Whoever comes first starts it. It stops it after the last one has gone; who comes later still starts a new one.
    """
    # Every test calls from the same address; what the limit refuses is tested on the use cases.
    stack = Stack(folder / "state", environment={"SIGN_INS_PER_MINUTE": "100000", "DUNNING_DAY_SECONDS": "1"})
    with (folder / "starting").open("w") as starting, (folder / "using").open("w") as using:
        fcntl.flock(starting, fcntl.LOCK_EX)
        starter = not stack.running
        if starter:
            stack.start()
        fcntl.flock(using, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_UN)
        try:
            yield stack
        finally:
            fcntl.flock(using, fcntl.LOCK_UN)
            if starter:
                fcntl.flock(starting, fcntl.LOCK_EX)
                fcntl.flock(using, fcntl.LOCK_EX)
                try:
                    stack.stop()
                finally:
                    stack.kill()
                    stack.clean()


def _runs(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to notice does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
