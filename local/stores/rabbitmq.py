"""RabbitMQ, where it is the bus: RABBITMQ_URL, else the machine's `rabbitmq-server`, started as a node of our own."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from llmo_messaging.rabbitmq import connect
from local.process import ServerProcess, StartError, end_leftover, free_port
from local.stores.store import ExternalStore, Store

DEFAULT_URL = "amqp://guest:guest@127.0.0.1:5672/"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


async def rabbitmq_answers(url: str = DEFAULT_URL) -> bool:
    """Whether a broker takes our connection there."""
    try:
        await _ready(url)
    except Exception:  # noqa: BLE001 - whatever the reason is, nobody can use it
        return False
    return True


def message_bus_store(state: Path, environment: Mapping[str, str] = os.environ) -> Store | None:
    """The broker where RabbitMQ is the bus (`MESSAGE_BUS=rabbitmq`): that of RABBITMQ_URL, else one of our own.

    Args:
        state: The stack's state folder, `.local`.
        environment: MESSAGE_BUS and RABBITMQ_URL.

    Raises StartError when there is no RabbitMQ, or MESSAGE_BUS names no bus.
    """
    bus = environment.get("MESSAGE_BUS", "eventbridge")
    if bus == "eventbridge":
        return None
    if bus != "rabbitmq":
        raise StartError(f"MESSAGE_BUS is {bus!r}; there are eventbridge and rabbitmq.")
    if url := environment.get("RABBITMQ_URL"):
        return ExternalStore("RabbitMQ at RABBITMQ_URL", url, _ready)
    return LocalRabbitMq(state, rabbitmq_program(environment.get("PATH")))


class LocalRabbitMq:
    """A node of our own on a free port of 127.0.0.1, with a port mapper of its own; the user is `guest`.

    It runs as this user, reads no configuration of the machine's, and keeps its port over restarts.
    """

    kind = "RabbitMQ (rabbitmq-server)"

    def __init__(self, state: Path, program: Path, *, port: int | None = None) -> None:
        self._program = program
        self._home = state.absolute() / "rabbitmq"
        self._log = state / "logs" / "rabbitmq.log"
        self._pid_file = state / "run" / "rabbitmq.pid"
        self._port, self._mapper_port, self._distribution_port = port or free_port(), free_port(), free_port()
        self._server: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Where it answers while it runs."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    async def start(self) -> str:
        """Its URL, once it takes connections. Raises StartError."""
        self._home.mkdir(parents=True, exist_ok=True)
        for name in ("rabbitmq.conf", "environment.conf", "plugins"):
            (self._home / name).write_text("[]." if name == "plugins" else "")
        self._server = ServerProcess(
            "RabbitMQ",
            [self._program],
            log=self._log,
            pid_file=self._pid_file,
            environment=self._environment(),
            stop_signal=signal.SIGTERM,
            stop_seconds=_STOP_SECONDS,
            cwd=self._home,
        )
        await self._server.start(lambda: _ready(self.url), timeout_seconds=_START_SECONDS)
        return self.url

    async def stop(self) -> None:
        """Stop it, and its port mapper."""
        if self._server is not None:
            await self._server.stop()
            await self._end_port_mapper()

    async def reset(self) -> None:
        """Delete its queues and messages."""
        await end_leftover(self._pid_file)
        if self._home.exists():
            await asyncio.to_thread(shutil.rmtree, self._home)

    def _environment(self) -> dict[str, str]:
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "HOME": str(self._home),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": "llmo@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "environment.conf"),
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._home / "data"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_LOGS": "-",
        }

    async def _end_port_mapper(self) -> None:
        """Erlang starts it as a daemon, which would stay."""
        program = shutil.which("epmd")
        if program is not None:
            process = await asyncio.create_subprocess_exec(
                *(program, "-port", str(self._mapper_port), "-kill"),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            await process.wait()


def rabbitmq_installed(path: str | None = None) -> bool:
    """Whether this machine has a `rabbitmq-server`."""
    return _found(path) is not None


def rabbitmq_program(path: str | None = None) -> Path:
    """The server's script. Raises StartError when there is none."""
    found = _found(path)
    if found is None:
        raise StartError(
            "There is no RabbitMQ: set RABBITMQ_URL, or install it (Debian, Ubuntu: apt-get install rabbitmq-server)."
        )
    return Path(found)


def _found(path: str | None) -> str | None:
    """Debian's script on PATH changes to a user whose folders are not ours; the one behind it does not."""
    name = "rabbitmq-server"
    return shutil.which(name, path="/usr/lib/rabbitmq/bin") or shutil.which(name, path=path)


async def _ready(url: str) -> None:
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)  # aio-pika would log every refusal
    writer.close()
    connection = await connect(url)
    await connection.close()
