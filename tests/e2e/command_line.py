"""`python -m local …` as in a second terminal, where nobody set PYTHONPATH."""

import asyncio
import os
import sys
from pathlib import Path

from tests.e2e.stack import ROOT


async def local_command(command: str, *arguments: str, state: Path) -> tuple[str, str]:
    """What a command that succeeds prints as its result, and what besides."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local", command, *arguments, "--state", str(state)),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, besides = await process.communicate()
    assert process.returncode == 0, (command, arguments, said.decode(), besides.decode())
    return said.decode(), besides.decode()
