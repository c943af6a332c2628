"""State machines in moto's interpreter, which calls functions of the runtime host."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config

from local.aws.intrinsics import ACCOUNT_ID, REGION, TemplateError
from local.aws.moto import MotoServer
from local.aws.statemachines import definition, make_state_machine
from local.process import free_port
from local.runtime.endpoint import AwsEndpoint
from tests.integration.local_runtime.conftest import MakeFunction, StartHost

MACHINES = Path(__file__).parent / "machines"
LOOK_EVERY_SECONDS = 0.05


def arn(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine in a running stand-in."""

    client: Any
    arn: str

    async def run(self, **given: Any) -> dict[str, Any]:
        """Execute it to its end: what DescribeExecution says then."""
        started = await asyncio.to_thread(
            lambda: self.client.start_execution(stateMachineArn=self.arn, input=json.dumps(given))
        )
        async with asyncio.timeout(30):
            while True:
                found: dict[str, Any] = await asyncio.to_thread(
                    lambda: self.client.describe_execution(executionArn=started["executionArn"])
                )
                if found["status"] != "RUNNING":
                    return found
                await asyncio.sleep(LOOK_EVERY_SECONDS)


async def output(execution: Awaitable[dict[str, Any]]) -> Any:
    found = await execution
    assert found["status"] == "SUCCEEDED", found
    return json.loads(found["output"])


@pytest_asyncio.fixture
async def machine(function: MakeFunction, start_host: StartHost, tmp_path: Path) -> AsyncIterator[Machine]:
    port = free_port()
    moto = MotoServer(tmp_path, lambda_port=port)
    moto_url = await moto.start()
    made = (function("sample.tasks.task"), function("sample.tasks.asker"))
    functions = [
        replace(each, environment={**each.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}) for each in made
    ]
    endpoint = AwsEndpoint(await start_host(*functions), moto_url)
    await endpoint.start(port)
    client = boto3.client(
        "stepfunctions",
        endpoint_url=endpoint.url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )
    properties = {
        "DefinitionUri": "everything.asl.yaml",
        "DefinitionSubstitutions": {"Task": arn("TaskFunction"), "Asker": arn("AskerFunction")},
    }
    asl = definition(MACHINES, properties)
    made_arn = await asyncio.to_thread(make_state_machine, client, "everything", asl, "STANDARD")
    again = await asyncio.to_thread(make_state_machine, client, "everything", asl, "STANDARD")
    assert again == made_arn
    yield Machine(client, made_arn)
    await endpoint.stop()
    await moto.stop()


async def test_a_machine_does_what_billing_will_need(machine: Machine, tmp_path: Path) -> None:
    """One machine for all of it: it takes seconds to start."""
    trials = (retried, given_up, caught, not_caught, mapped, waited)
    of_tokens = (answered, refused, asked_again, timed_out)
    for trial in (*trials, *of_tokens, unknown):
        await trial(machine, tmp_path)


async def retried(machine: Machine, folder: Path) -> None:
    attempts = folder / "retried"
    assert await output(machine.run(**{"try": "retry", "fails": 2, "attempts": str(attempts)})) == {
        "number": None,
        "attempts": 3,
    }


async def given_up(machine: Machine, folder: Path) -> None:
    attempts = folder / "given_up"
    found = await machine.run(**{"try": "retry", "fails": 9, "error": "ValueError", "attempts": str(attempts)})
    assert (found["status"], found["error"], attempts.read_text()) == ("FAILED", "ValueError", "1")


async def caught(machine: Machine, _: Path) -> None:
    found = await output(machine.run(**{"try": "catch", "fails": 1}))
    assert (found["dunning"], found["error"]) == (True, "CardDeclined")
    assert (found["cause"]["errorType"], found["cause"]["errorMessage"]) == ("CardDeclined", "no funds")


async def not_caught(machine: Machine, _: Path) -> None:
    found = await machine.run(**{"try": "catch", "fails": 1, "error": "ValueError"})
    assert (found["status"], found["error"]) == ("FAILED", "ValueError")
    assert json.loads(found["cause"])["errorMessage"] == "no funds"


async def mapped(machine: Machine, _: Path) -> None:
    items = [{"number": number, "fails": number % 2} for number in range(5)]
    found = await output(machine.run(**{"try": "map", "items": items}))
    assert [item.get("declined", item.get("number")) for item in found] == [0, True, 2, True, 4]


async def waited(machine: Machine, _: Path) -> None:
    assert await output(machine.run(**{"try": "wait", "seconds": 1})) == {"try": "wait", "seconds": 1}


async def answered(machine: Machine, _: Path) -> None:
    answer = {"output": json.dumps({"paid": True})}
    assert await output(machine.run(**{"try": "token", "answer": answer})) == {"paid": True}


async def refused(machine: Machine, _: Path) -> None:
    answer = {"error": "PaymentRefused", "cause": "the bank said no"}
    found = await output(machine.run(**{"try": "token", "answer": answer}))
    assert found == {"dunned": True, "error": "PaymentRefused", "cause": "the bank said no"}


async def asked_again(machine: Machine, folder: Path) -> None:
    answers = [{"error": "PaymentRefused", "cause": "later"}, {"output": json.dumps({"paid": True})}]
    trial = {"try": "token again", "answers": answers, "attempts": str(folder / "asked_again")}
    assert await output(machine.run(**trial)) == {"paid": True}
    assert (folder / "asked_again").read_text() == "2"


async def timed_out(machine: Machine, _: Path) -> None:
    found = await machine.run(**{"try": "timeout"})
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")


async def unknown(machine: Machine, _: Path) -> None:
    found = await machine.run(**{"try": "nothing"})
    assert (found["status"], found["error"]) == ("FAILED", "UnknownTrial")


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"DefinitionSubstitutions": {"Task": "x"}}, "Asker"), ({"Events": {"Nightly": {}}}, "local execute")],
)
def test_a_machine_that_cannot_run_here_is_refused(changed: dict[str, Any], said: str) -> None:
    properties = {
        "DefinitionUri": "everything.asl.yaml",
        "DefinitionSubstitutions": {"Task": "x", "Asker": "y"},
        **changed,
    }

    with pytest.raises(TemplateError, match=said):
        definition(MACHINES, properties)
