"""The moto server: SQS, EventBridge, Step Functions, Secrets Manager, KMS, S3, SES and SNS on one port of 127.0.0.1.

It keeps nothing: everything is made again at each start.
"""

import sys
from pathlib import Path

import aiohttp

from local.process import ServerProcess, on_free_port


class MotoServer:
    """A moto server in a process of its own.

    Args:
        state: The stack's state folder, `.local`.
        lambda_port: Where Lambda's Invoke API is served; state machines call functions there. None: nowhere.
    """

    def __init__(self, state: Path, *, lambda_port: int | None = None) -> None:
        self._state = state
        self._environment = {"MOTO_PORT": str(lambda_port)} if lambda_port else {}
        self._server: ServerProcess | None = None

    async def start(self) -> str:
        """Its URL, once it answers, with state machines that really execute. Raises StartError."""
        return await on_free_port(self._start)

    async def stop(self) -> None:
        """Stop it. Safe to repeat."""
        if self._server is not None:
            await self._server.stop()

    async def _start(self, port: int) -> str:
        url = f"http://127.0.0.1:{port}"
        self._server = ServerProcess(
            "The AWS stand-in (moto)",
            [sys.executable, "-m", "local.aws.moto_server", "-H", "127.0.0.1", "-p", str(port)],
            log=self._state / "logs" / "aws.log",
            pid_file=self._state / "run" / "aws.pid",
            environment=self._environment,
        )
        await self._server.start(lambda: _configure(url))
        return url


async def _configure(url: str) -> None:
    settings = {"stepfunctions": {"execute_state_machine": True}}
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{url}/moto-api/config", json=settings),
    ):
        pass
