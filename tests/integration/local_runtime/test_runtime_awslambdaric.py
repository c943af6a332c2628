"""AWS's own runtime client, unchanged, against the host."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import psutil
import pytest

from local.runtime.host import RuntimeHost
from local.runtime.models import MAX_PAYLOAD_BYTES, UnknownFunction
from local.stack import FunctionSpec

MakeFunction = Callable[..., FunctionSpec]
StartHost = Callable[..., Awaitable[RuntimeHost]]


async def test_a_function_answers_what_its_handler_returns(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.handlers.echo"))

    for text in ("first", "zweite ✓", ""):
        invocation = await host.invoke("EchoFunction", orjson.dumps({"text": text}))
        assert invocation.function_error is None
        assert orjson.loads(invocation.payload) == {"text": text}


async def test_five_megabytes_travel_both_ways(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.handlers.echo"))
    payload = orjson.dumps({"blob": "x" * (5 * 1024 * 1024)})

    invocation = await host.invoke("EchoFunction", payload)

    assert orjson.loads(invocation.payload) == orjson.loads(payload)


async def test_the_context_tells_request_id_function_and_remaining_time(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.describe", timeout=20))

    invocation = await host.invoke("DescribeFunction", b"{}")

    seen = orjson.loads(invocation.payload)
    assert seen["request_id"] == invocation.request_id
    assert seen["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:DescribeFunction"
    assert (seen["name"], seen["memory"]) == ("DescribeFunction", "256")
    assert 15_000 < seen["remaining_ms"] <= 20_000


async def test_a_function_sees_its_own_variables_code_and_layers_only(
    function: MakeFunction, start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_HOST", "private")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    host = await start_host(function("sample.handlers.describe"))

    seen = orjson.loads((await host.invoke("DescribeFunction", b"{}")).payload)

    assert "OF_THE_HOST" not in seen["environment"]
    assert "AWS_PROFILE" not in seen["environment"]
    assert seen["environment"]["STAGE"] == "test"
    assert seen["environment"]["AWS_REGION"] == "eu-west-1"
    assert seen["environment"]["AWS_ACCESS_KEY_ID"] == "local"
    assert seen["environment"]["LAMBDA_TASK_ROOT"] == seen["folder"]
    own = [path for path in seen["path"] if "site-packages" not in path]
    assert str(Path.cwd()) not in own
    assert seen["folder"] in own
    assert str(Path(__file__).parent / "sample_layer") in own
    assert os.listdir(seen["folder"]) == ["sample"]  # noqa: PTH208  names, not paths


async def test_a_variable_that_is_configured_anew_is_seen_by_the_next_invocation_of_those_who_have_it(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.describe"))
    before = orjson.loads((await host.invoke("DescribeFunction", b"{}")).payload)

    assert host.configure("STAGE", "another") == ["DescribeFunction"]
    assert host.configure("NOBODYS", "value") == []

    after = orjson.loads((await host.invoke("DescribeFunction", b"{}")).payload)
    assert [seen["environment"]["STAGE"] for seen in (before, after)] == ["test", "another"]
    assert "NOBODYS" not in after["environment"]
    assert after["pid"] != before["pid"]


async def test_an_exception_becomes_lambdas_error_object_and_the_worker_lives_on(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.fail"))

    first = await host.invoke("FailFunction", b'{"message": "no such plan"}')
    second = await host.invoke("FailFunction", b'{"message": "still here"}')

    assert first.function_error == "Unhandled"
    error = orjson.loads(first.payload)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such plan")
    assert any("in fail" in frame for frame in error["stackTrace"])
    assert orjson.loads(second.payload)["errorMessage"] == "still here"
    assert host.health()["FailFunction"] == {"ready": True, "workers": 1}


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("sample.broken.handler", "RuntimeError", "no configuration"),
        ("sample.absent.handler", "Runtime.ImportModuleError", "No module named 'sample.absent'"),
        ("sample.handlers.absent", "Runtime.HandlerNotFound", "Handler 'absent' missing"),
    ],
)
async def test_a_function_that_cannot_start_says_why(
    function: MakeFunction, start_host: StartHost, handler: str, error_type: str, message: str
) -> None:
    host = await start_host(function(handler, name="BrokenFunction"))

    invocation = await host.invoke("BrokenFunction", b"{}")

    assert invocation.function_error == "Unhandled"
    error = orjson.loads(invocation.payload)
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]


async def test_a_start_that_takes_too_long_is_ended(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.slow_start.handler", name="SlowFunction"), init_seconds=0.3)

    invocation = await host.invoke("SlowFunction", b"{}")

    assert orjson.loads(invocation.payload)["errorMessage"] == "Init phase timed out after 0.30 seconds"


async def test_a_crash_is_an_exit_error_and_the_next_invocation_gets_a_new_worker(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.crash"))

    for status in (3, 4):
        invocation = await host.invoke("CrashFunction", orjson.dumps({"status": status}))
        assert invocation.function_error == "Unhandled"
        assert orjson.loads(invocation.payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {invocation.request_id} Error: "
            f"Runtime exited with error: exit status {status}",
        }
    assert host.log_path("CrashFunction").read_text().count("about to crash") == 2


async def test_a_worker_past_its_timeout_is_killed_and_the_invocation_fails(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.hang", timeout=1))

    invocation = await host.invoke("HangFunction", b'{"seconds": 60}')

    assert invocation.function_error == "Unhandled"
    assert orjson.loads(invocation.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert f"{invocation.request_id} Task timed out after 1.00 seconds" in host.log_path("HangFunction").read_text()
    assert (await host.invoke("HangFunction", b'{"seconds": 0}')).function_error is None


async def test_concurrent_invocations_run_on_workers_of_their_own(
    function: MakeFunction, start_host: StartHost, tmp_path: Path
) -> None:
    host = await start_host(function("sample.handlers.meet"))
    folder = tmp_path / "meeting"
    folder.mkdir()
    event = orjson.dumps({"folder": str(folder), "parties": 3})

    invocations = await asyncio.gather(*(host.invoke("MeetFunction", event) for _ in range(3)))

    assert len({invocation.payload for invocation in invocations}) == 3


async def test_more_invocations_than_workers_wait_for_their_turn(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.handlers.hang"), workers_per_function=2)

    invocations = await asyncio.gather(*(host.invoke("HangFunction", b'{"seconds": 0}') for _ in range(20)))

    assert all(invocation.function_error is None for invocation in invocations)
    assert len({invocation.payload for invocation in invocations}) <= 2


async def test_a_result_over_six_megabytes_is_refused_as_lambda_does(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.handlers.big"))

    invocation = await host.invoke("BigFunction", orjson.dumps({"bytes": MAX_PAYLOAD_BYTES}))

    assert invocation.function_error == "Unhandled"
    assert orjson.loads(invocation.payload)["errorType"] == "Function.ResponseSizeTooLarge"


async def test_an_invocation_runs_to_its_end_when_its_caller_goes_away(
    function: MakeFunction, start_host: StartHost, tmp_path: Path
) -> None:
    host = await start_host(function("sample.handlers.meet"), workers_per_function=1)
    folder = tmp_path / "meeting"
    folder.mkdir()
    caller = asyncio.create_task(host.invoke("MeetFunction", orjson.dumps({"folder": str(folder), "parties": 1})))
    await asyncio.sleep(0)
    caller.cancel()

    invocation = await host.invoke("MeetFunction", orjson.dumps({"folder": str(folder), "parties": 1}))

    assert [entry.name for entry in folder.iterdir()] == [invocation.payload.decode()]


async def test_idle_workers_are_stopped(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.handlers.hang"), idle_seconds=0)

    invocation = await host.invoke("HangFunction", b'{"seconds": 0}')
    pid = orjson.loads(invocation.payload)

    await asyncio.to_thread(_wait_until_gone, pid)
    assert host.health()["HangFunction"] == {"ready": True, "workers": 0}


async def test_a_function_whose_process_cannot_be_started_says_why(
    function: MakeFunction, start_host: StartHost, tmp_path: Path
) -> None:
    host = await start_host(function("sample.handlers.echo"))
    (tmp_path / "state").write_text("a file where a folder should be")

    invocation = await host.invoke("EchoFunction", b"{}")

    error = orjson.loads(invocation.payload)
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "Not a directory" in error["errorMessage"]


async def test_stopping_does_not_wait_for_a_worker_that_is_still_starting(
    function: MakeFunction, start_host: StartHost
) -> None:
    host = await start_host(function("sample.slow_start.handler", name="SlowFunction"))
    host.warm(["SlowFunction"])
    await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await host.stop()


async def test_an_unknown_function_is_named(function: MakeFunction, start_host: StartHost) -> None:
    host = await start_host(function("sample.handlers.echo"))

    with pytest.raises(UnknownFunction, match="NoFunction"):
        await host.invoke("NoFunction", b"{}")


def _wait_until_gone(pid: int) -> None:
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return
