"""The moto server: SQS, EventBridge, Step Functions, Secrets Manager, KMS, S3, SES and SNS on one port of 127.0.0.1.

It keeps nothing: everything is made again at each start.
"""

import sys
from pathlib import Path

import aiohttp

from local.process import ServerProcess, free_port


class MotoServer:
    """A moto server in a process of its own.

    Args:
        state: The stack's state folder, `.local`.
        lambda_port: Where Lambda's Invoke API is served; state machines call functions there. None: nowhere.
    """

    def __init__(self, state: Path, *, lambda_port: int | None = None) -> None:
        self._port = free_port()
        self._server = ServerProcess(
            "The AWS stand-in (moto)",
            [sys.executable, "-m", "local.aws.moto_server", "-H", "127.0.0.1", "-p", str(self._port)],
            log=state / "logs" / "aws.log",
            pid_file=state / "run" / "aws.pid",
            environment={"MOTO_PORT": str(lambda_port)} if lambda_port else {},
        )

    async def start(self) -> str:
        """Its URL, once it answers, with state machines that really execute. Raises StartError."""
        url = f"http://127.0.0.1:{self._port}"
        await self._server.start(lambda: _configure(url))
        return url

    async def stop(self) -> None:
        """Stop it. Safe to repeat."""
        await self._server.stop()


async def _configure(url: str) -> None:
    settings = {"stepfunctions": {"execute_state_machine": True}}
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{url}/moto-api/config", json=settings),
    ):
        pass
