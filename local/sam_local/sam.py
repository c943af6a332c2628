"""SAM CLI's `sam local`, driven."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.intrinsics import REGION
from local.process import ServerProcess, StartError, free_port, tail
from local.runtime.environment import CREDENTIALS
from local.sam_local.engine import Engine

_STOP_SECONDS = 60.0
_NOT_FOR_SAM = ("PYTHONPATH", "AWS_PROFILE", "AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class Sam:
    """`sam local` for one template.

    Attributes:
        program: SAM CLI.
        template: Its functions must be built.
        engine: Where their containers run.
        flags: Options for every command, such as `--skip-pull-image`.
        state: For logs and process ids.
    """

    program: Path
    template: Path
    engine: Engine
    flags: Sequence[str]
    state: Path

    async def invoke(self, function: str, event: str) -> Any:  # noqa: ANN401 - a function's answer
        """A function's answer, in a new container; a raised error is an answer, too.

        Raises StartError with the end of the log when there is none.
        """
        log = self.state / "logs" / "sam-invoke.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *self._command("invoke", function, "--event", "-"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                env={**os.environ, **self._environment()},
            )
            done = asyncio.create_task(process.communicate(event.encode()))
            try:
                answer, _ = await asyncio.shield(done)
            except asyncio.CancelledError:
                process.send_signal(signal.SIGINT)  # killed, it would leave its container behind
                await done
                raise
        lines = answer.decode().strip().splitlines()
        if process.returncode or not lines:
            raise StartError(f"sam local invoke {function} ended with status {process.returncode}.\n{tail(log)}")
        return json.loads(lines[-1])

    def api(self) -> tuple[ServerProcess, str]:
        """`sam local start-api`, not started yet, and its URL."""
        port = free_port()
        server = ServerProcess(
            "sam local start-api",
            self._command("start-api", "--host", "127.0.0.1", "--port", str(port), "--warm-containers", "LAZY"),
            log=self.state / "logs" / "sam-start-api.log",
            pid_file=self.state / "run" / "sam-start-api.pid",
            environment=self._environment(),
            stop_seconds=_STOP_SECONDS,  # it removes its containers
        )
        return server, f"http://127.0.0.1:{port}"

    def _command(self, verb: str, *arguments: str) -> list[str]:
        options = ["--template", str(self.template), "--region", REGION, *self.engine.sam_options, *self.flags]
        without = [part for name in _NOT_FOR_SAM for part in ("-u", name)]
        return ["env", *without, str(self.program), "local", verb, *arguments, *options]

    def _environment(self) -> dict[str, str]:
        """Added to this process's environment; the credentials are the stand-in's, never the user's."""
        return {**CREDENTIALS, "DOCKER_HOST": self.engine.docker_host, "SAM_CLI_TELEMETRY": "0"}
