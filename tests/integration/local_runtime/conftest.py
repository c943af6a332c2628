import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from local.process import free_port
from local.runtime.host import RuntimeHost
from local.runtime.process import start_process, stop_process
from local.runtime.server import LOOPBACK
from local.runtime.web_process import answers
from local.stack import FunctionSpec, StackSpec

HERE = Path(__file__).parent

MakeFunction = Callable[..., FunctionSpec]
MakeStack = Callable[[Sequence[FunctionSpec]], StackSpec]
StartHost = Callable[..., Awaitable[RuntimeHost]]


@pytest.fixture
def function() -> MakeFunction:
    """Make a function of the sample package."""

    def make(handler: str, *, name: str = "", timeout: int = 30, code: Path = HERE / "sample") -> FunctionSpec:
        return FunctionSpec(
            logical_id=name or handler.rpartition(".")[2].capitalize() + "Function",
            name="llmo-test-" + handler.rpartition(".")[2],
            code_uri=code,
            handler=handler,
            layer_paths=(HERE / "sample_layer",),
            environment={"STAGE": "test", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            timeout_seconds=timeout,
            memory_mb=256,
            web_adapter=handler.endswith(".sh"),
        )

    return make


@pytest.fixture
def make_stack() -> MakeStack:
    """Make a stack of some functions."""

    def make(functions: Sequence[FunctionSpec]) -> StackSpec:
        return StackSpec(
            stage="test",
            region="eu-west-1",
            account_id="123456789012",
            aws_endpoint_url="http://127.0.0.1:1",
            functions={spec.logical_id: spec for spec in functions},
            routes=(),
        )

    return make


def left_behind(before: set[psutil.Process]) -> list[psutil.Process]:
    """Processes that were not there before, but for those that the session's own servers started meanwhile."""
    return [process for process in psutil.Process().children(recursive=True) if not _known(process, before)]


def _known(process: psutil.Process, before: set[psutil.Process]) -> bool:
    try:
        return not before.isdisjoint({process, *process.parents()})
    except psutil.NoSuchProcess:
        return True  # it has ended by itself


@pytest.fixture
async def start_host(tmp_path: Path, make_stack: MakeStack) -> AsyncIterator[StartHost]:
    """Start a host of some functions. After the test it is stopped, and no process may be left."""
    async with AsyncExitStack() as started:

        async def start(*functions: FunctionSpec, **options: float | bool) -> RuntimeHost:
            host = RuntimeHost(make_stack(functions), state_dir=tmp_path / "state", **{"watch": False, **options})  # type: ignore[arg-type]  # a test's options
            await host.start()
            started.push_async_callback(host.stop)
            return host

        before = set(psutil.Process().children(recursive=True))
        yield start
    assert not left_behind(before)


@pytest.fixture(scope="module")
def aws_port() -> int:
    """Choose the port of the AWS endpoint; moto has to know it when it starts."""
    return free_port()


@pytest.fixture(scope="module")
async def moto_url(tmp_path_factory: pytest.TempPathFactory, aws_port: int) -> AsyncIterator[str]:
    """Start a real moto server; its Step Functions interpreter calls the AWS endpoint's port."""
    port = free_port()
    folder = tmp_path_factory.mktemp("moto")
    process = await start_process(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)],
        environment={**os.environ, "MOTO_PORT": str(aws_port)},
        folder=folder,
        log=folder / "moto.log",
    )
    try:
        await answers(f"http://{LOOPBACK}:{port}/moto-api/")
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await stop_process(process, grace_seconds=5)
