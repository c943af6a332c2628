"""Starting and ending the processes that run functions."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


async def start_process(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
) -> asyncio.subprocess.Process:
    """Start `command` in a session of its own, so that the terminal's Ctrl-C reaches only the host.

    What it prints goes straight to the end of the file `log`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


async def stop_process(process: asyncio.subprocess.Process, *, grace_seconds: float) -> None:
    """End the process and its children: politely first, by force after `grace_seconds`. Safe to call twice."""
    if process.returncode is None and grace_seconds > 0:
        _signal_group(process, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_seconds)
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log file, for a message about why its process is gone."""
    if not log.exists():
        return ""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(lines.read().decode(errors="replace").splitlines()[-count:])
