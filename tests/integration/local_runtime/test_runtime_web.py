"""Functions behind the web adapter."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import aiohttp
import psutil
import pytest

from local.process import note_process
from local.runtime.host import RuntimeHost
from local.runtime.models import FunctionUnavailable
from local.runtime.web_process import WebProcess
from local.stack import FunctionSpec, StackSpec

MakeFunction = Callable[..., FunctionSpec]
MakeStack = Callable[[Sequence[FunctionSpec]], StackSpec]
StartHost = Callable[..., Awaitable[RuntimeHost]]


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def test_a_web_function_is_handed_out_when_it_answers_its_readiness_check(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample/run.sh", name="WebFunction"))
    assert host.health() == {"WebFunction": {"ready": False}}

    url = await host.web_url("WebFunction")

    assert "pid" in await get(f"{url}/healthz")
    assert host.health() == {"WebFunction": {"ready": True}}


async def test_a_web_function_that_crashed_says_why_until_it_is_back(
    function: MakeFunction, make_stack: MakeStack, tmp_path: Path
) -> None:
    paused = asyncio.Event()

    async def pause(_seconds: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    spec = function("sample/run.sh", name="WebFunction")
    process = WebProcess(spec, make_stack([spec]), code_root=tmp_path, log=tmp_path / "log", pause=pause)
    process.start()
    with pytest.raises(aiohttp.ClientError):
        await get(f"{await process.url()}/v1/crash")

    await paused.wait()
    assert not process.ready
    with pytest.raises(FunctionUnavailable, match=r"(?s)ended with 7.*the server gives up"):
        await process.url()
    process.replace()
    assert "pid" in await get(f"{await process.url()}/healthz")
    await process.stop()


async def test_a_web_function_that_keeps_crashing_is_started_again_and_again_with_growing_pauses(
    function: MakeFunction, make_stack: MakeStack, tmp_path: Path
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            enough.set()
            await asyncio.Event().wait()

    spec = function("sample/broken.sh", name="WebFunction")
    process = WebProcess(spec, make_stack([spec]), code_root=tmp_path / "code", log=tmp_path / "log", pause=pause)
    process.start()
    await enough.wait()
    await process.stop()

    assert pauses == [1, 2, 4, 8, 15, 15]
    assert (tmp_path / "log").read_text().count("cannot find my settings") == 6


async def test_a_web_function_that_does_not_start_says_why(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample/broken.sh", name="WebFunction"))

    with pytest.raises(FunctionUnavailable, match="cannot find my settings"):
        await host.web_url("WebFunction")


async def test_a_start_script_that_is_not_there_is_named(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample/absent.sh", name="WebFunction"))

    with pytest.raises(FunctionUnavailable, match=r"absent\.sh"):
        await host.web_url("WebFunction")


@pytest.fixture
def leftover() -> Iterator[int]:
    """Start a process that waits for its end."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process.pid
        process.kill()


async def test_a_server_that_a_killed_host_left_behind_is_ended_at_the_next_start(
    function: MakeFunction, start_host: StartHost, tmp_path: Path, leftover: int
) -> None:
    state = tmp_path / "state" / "run"
    state.mkdir(parents=True)
    note_process(state / "WebFunction.pid", leftover)

    host = await start_host(function("sample/run.sh", name="WebFunction"))
    await host.web_url("WebFunction")

    assert not psutil.pid_exists(leftover)
    await host.stop()
    assert not (state / "WebFunction.pid").exists()


async def test_code_that_changes_on_disk_is_served_without_a_restart_of_the_host(
    function: MakeFunction, start_host: StartHost, tmp_path: Path
) -> None:
    code = tmp_path / "functions" / "sample"
    shutil.copytree(Path(__file__).parent / "sample", code)
    worker = function("sample.handlers.echo", code=code)
    web = function("sample/run.sh", name="WebFunction", code=code)
    host = await start_host(worker, web, watch=True)
    assert (await host.invoke("EchoFunction", b'"old"')).payload == b'"old"'
    old_url = await host.web_url("WebFunction")

    module = code / "handlers.py"
    module.write_text(module.read_text().replace("return event\n", "return [event]\n"))
    payload = b'"old"'
    async with asyncio.timeout(20):
        while payload != b'["new"]':
            payload = (await host.invoke("EchoFunction", b'"new"')).payload

    assert await host.web_url("WebFunction") != old_url
