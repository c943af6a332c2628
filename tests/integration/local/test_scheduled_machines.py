"""Schedules start state machines in a real moto server, and run functions as before."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import stand_in_client
from local.aws.intrinsics import TemplateError
from local.aws.moto import MotoServer
from local.aws.statemachines import definition, make_state_machine
from local.runtime.models import Invocation
from local.stack import StackSpec
from local.triggers.executions import ScheduledTargets

PASSES = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})


class Functions:
    """Answers with what it is invoked with."""

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert trace_id is None
        return Invocation(function, payload)


@pytest.fixture(scope="module")
async def moto(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    server = MotoServer(tmp_path_factory.mktemp("aws"))
    yield await server.start()
    await server.stop()


def targets(url: str, **machines: str) -> ScheduledTargets:
    stack = StackSpec("dev", "eu-west-1", "123456789012", url, functions={}, routes=(), state_machines=machines)
    return ScheduledTargets(stack, Functions())


async def test_a_machine_is_started_with_the_schedules_event(moto: str) -> None:
    client: Any = stand_in_client("stepfunctions", moto)
    arn = make_state_machine(client, "passes", PASSES, "STANDARD")

    started = await targets(moto, Machine=arn).invoke("Machine", b'{"kind": "daily"}')

    execution = json.loads(started.payload)["executionArn"]
    assert (started.function_error, execution.endswith(started.request_id)) == (None, True)
    assert json.loads(client.describe_execution(executionArn=execution)["input"]) == {"kind": "daily"}


async def test_a_function_is_run(moto: str) -> None:
    assert await targets(moto).invoke("Sweeper", b"{}") == Invocation("Sweeper", b"{}")


async def test_a_machine_that_is_not_there_is_a_failure(moto: str) -> None:
    answer = await targets(moto, Gone="arn:aws:states:eu-west-1:123456789012:stateMachine:gone").invoke("Gone", b"{}")

    assert answer.function_error
    assert json.loads(answer.payload)["errorType"] == "StateMachineDoesNotExist"


def test_of_a_machines_events_only_schedules_exist_here(tmp_path: Path) -> None:
    (tmp_path / "machine.asl.yaml").write_text(PASSES)
    machine = {"DefinitionUri": "machine.asl.yaml", "Events": {"Often": {"Type": "ScheduleV2"}}}

    assert json.loads(definition(tmp_path, machine)) == json.loads(PASSES)
    machine["Events"] = {"Api": {"Type": "Api"}}
    with pytest.raises(TemplateError, match="Api: of events only schedules"):
        definition(tmp_path, machine)
