"""`make dev`: start the laptop stack, say how to use it, stop it on Ctrl-C."""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from local.banner import banner
from local.laptop import Laptop, LaptopOptions
from local.process import StartError
from local.progress import Progress

_LOCK = "stack.lock"
_KEPT_BY_RESET = {_LOCK, "smollm2", "sam-local"}  # the lock is held; a download; `make sam-local` empties its own
_STRAY_SECONDS = 5.0


async def dev(options: LaptopOptions, *, reset: bool) -> int:
    """Run the stack until SIGINT, SIGTERM or SIGHUP, and return the exit status."""
    progress = Progress()
    options.state.mkdir(parents=True, exist_ok=True)
    try:
        with _only_one(options.state):
            end_strays(options.state)
            if reset:
                await _reset(options)
            _log_to(options.state / "logs" / "stack.log")
            return await _run(options, progress)
    except* StartError as errors:
        for error in _leaves(errors):
            progress.say(f"\n{error}")
    return 1


async def _run(options: LaptopOptions, progress: Progress) -> int:
    stopping = _on_signals()
    progress.say(f"LLMOptimizer starts (logs in {options.state / 'logs'}; the first start takes longer)")
    laptop = Laptop(options, progress)
    starting = asyncio.create_task(laptop.__aenter__())
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            await starting
            progress.say(banner(laptop, progress.seconds))
            await asked
        progress.say("\nStopping …")
    finally:
        asked.cancel()
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(starting, return_exceptions=True)
        await laptop.stop()
        end_children()
    progress.say("Stopped.")
    return 0


def _on_signals() -> asyncio.Event:
    """An event that the first signal sets; a second one kills everything at once."""
    stopping = asyncio.Event()

    def on_signal() -> None:
        if stopping.is_set():
            end_children()
            os._exit(130)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stopping


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Hold the state folder's lock. Raises StartError when another stack holds it."""
    with (state / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "?"
            raise StartError(f"The stack already runs with {state} (process {holder}): stop that one first.") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


async def _reset(options: LaptopOptions) -> None:
    """Delete what earlier runs left, but for what was downloaded."""
    await Laptop(options, Progress()).reset()
    for entry in options.state.iterdir():
        if entry.name in _KEPT_BY_RESET:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def end_children() -> None:
    """Kill every process that is still below this one."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def end_strays(state: Path) -> None:
    """End function processes that a killed stack left behind: those that run code out of this state folder."""
    root = f"{state.absolute()}{os.sep}"
    strays = [process for process in psutil.process_iter() if _task_root(process).startswith(root)]
    for process in strays:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(strays, _STRAY_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _task_root(process: psutil.Process) -> str:
    try:
        return process.environ().get("LAMBDA_TASK_ROOT", "")
    except (psutil.Error, OSError):  # not ours, or gone
        return ""


def _leaves(group: BaseExceptionGroup[StartError]) -> Iterator[StartError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _log_to(path: Path) -> None:
    """Everything into the log file, errors to the terminal too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file, terminal = logging.FileHandler(path), logging.StreamHandler()
    terminal.setLevel(logging.ERROR)
    style = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=style, handlers=[file, terminal], force=True)
