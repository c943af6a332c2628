"""`python -m local dev` as a user runs it: in a process of its own, stopped by signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import psutil
import pytest

from local.stores.postgres import postgres_store

ROOT = Path(__file__).parents[3]
NAMED = ("DATABASE_URL", "REDIS_URL", "MONGODB_URI", "OPENAI_API_KEY", "OPENAI_BASE_URL")


class Stack:
    """The command, with a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name not in NAMED}
        process = subprocess.Popen(  # noqa: S603 - a list that the test makes
            [sys.executable, "-m", "local", "dev", "--port", "0", "--state", str(self.state), *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def started(self) -> subprocess.Popen[str]:
        """A process that has shown its banner."""
        process = self.start()
        said = until(process.stdout, "Ctrl-C stops it.")
        assert "LLMOptimizer runs" in said, said
        return process

    @property
    def demo(self) -> dict[str, str]:
        content: dict[str, str] = json.loads((self.state / "demo.json").read_text())
        return content

    def models_status(self) -> int:
        """The answer of the gateway to the demo key."""
        url = f"{self.demo['openai_base_url']}/models"
        with urlopen(Request(url, headers={"Authorization": f"Bearer {self.demo['api_key']}"})) as answer:  # noqa: S310 - ours
            return int(answer.status)

    def clean_up(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def still_running(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run; one that has ended and waits for its parent to notice does not."""
    return [process for process in family if runs(process)]


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(output: IO[str] | None, line: str) -> str:
    """What a process says up to this line, or to its end."""
    assert output is not None
    said = []
    for text in output:
        said.append(text)
        if line in text:
            break
    return "".join(said)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path / "state")
    yield stack
    stack.clean_up()
    await postgres_store(stack.state, "", {}).reset()


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("running") / "state")
    stack.started()
    yield stack
    stack.clean_up()
    await postgres_store(stack.state, "", {}).reset()


def test_ctrl_c_leaves_no_process_and_a_second_start_finds_the_account_again(stack: Stack) -> None:
    first = stack.started()
    api_key = stack.demo["api_key"]
    assert stack.models_status() == HTTPStatus.OK
    family = psutil.Process(first.pid).children(recursive=True)
    assert len(family) >= 6
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=60)
    assert (first.returncode, said.split()[-1]) == (0, "Stopped.")
    assert not still_running(family)
    assert stack.state.joinpath("demo.json").stat().st_mode & 0o777 == 0o600
    stack.started()
    assert stack.demo["api_key"] == api_key
    assert stack.models_status() == HTTPStatus.OK


def test_a_killed_stack_starts_again_with_its_data_and_without_its_old_processes(stack: Stack) -> None:
    first = stack.started()
    api_key = stack.demo["api_key"]
    family = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    stack.started()
    assert not still_running(family)
    assert stack.demo["api_key"] == api_key
    assert stack.models_status() == HTTPStatus.OK


def test_a_stop_while_it_starts_leaves_no_process(stack: Stack) -> None:
    process = stack.start()
    until(process.stdout, "✓")
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not still_running(family)


def test_a_reset_forgets_the_stack_and_nothing_that_sam_local_runs_with(stack: Stack) -> None:
    kept, forgotten = (stack.state / name / "postgres" / "PG_VERSION" for name in ("sam-local", "of-an-earlier-run"))
    for file in (kept, forgotten):
        file.parent.mkdir(parents=True)
        file.write_text("18")
    process = stack.start("--reset")
    until(process.stdout, "✓")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert (kept.exists(), forgotten.exists()) == (True, False)


def test_a_taken_port_is_named_together_with_the_way_out(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = stack.start("--port", str(port))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} is taken" in said
    assert "PORT=" in said
    assert "Traceback" not in said


def test_a_second_stack_in_the_same_folder_is_refused_and_harms_nothing(running: Stack) -> None:
    second = running.start()
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"process {running.processes[0].pid}" in said
    assert running.models_status() == HTTPStatus.OK


def test_a_function_of_the_running_stack_can_be_invoked_by_name(running: Stack) -> None:
    answer = invoke(running.state, "MigrateFunction")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["applied"] == []


def test_an_unknown_function_is_an_error_with_its_name(running: Stack) -> None:
    answer = invoke(running.state, "NoSuchFunction")
    assert answer.returncode == 2
    assert "NoSuchFunction" in answer.stderr


def test_an_invocation_without_a_running_stack_says_how_to_start_it(tmp_path: Path) -> None:
    answer = invoke(tmp_path, "MigrateFunction")
    assert answer.returncode == 2
    assert "make dev" in answer.stderr


def invoke(state: Path, function: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", "invoke", function, "--state", str(state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - made here
