"""Billing's state machines in moto's interpreter, with the real tasks over a real database."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing import tasks
from billing.flows.following import Following
from billing.flows.models import Flow
from billing.flows.repository import PostgresWaitingFlows
from billing.flows.step_functions import StepFunctions
from billing.flows.waiting import Waiting
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_data.postgres import Database
from local.aws.client import stand_in_client
from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.statemachines import definition, make_state_machine
from local.runtime.models import Invocation, failed

REPOSITORY = Path(__file__).parents[4]
TASKS = "BillingTasksFunction"
_LOOK_EVERY_SECONDS = 0.05


class TasksHost:
    """Runs billing's tasks on the test's event loop, as Lambda does for state machines.

    Attributes:
        asked: The tasks that were asked for, in order.
        failures: What the next tasks of a name fail with before they are done.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures: dict[str, list[Exception]] = {}

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert function == TASKS, (function, trace_id)
        task = json.loads(payload)
        self.asked.append(task["task"])
        waiting = self.failures.get(task["task"])
        if waiting:
            return _failed(waiting.pop(0))
        try:
            return Invocation("request", json.dumps(await tasks.do(task)).encode())
        except Exception as error:  # noqa: BLE001 - as Lambda answers them
            return _failed(error)


def _failed(error: Exception) -> Invocation:
    return failed("request", type(error).__name__, str(error))


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of the repository, made in a running stand-in."""

    url: str
    host: TasksHost
    arns: dict[Flow, str]

    @classmethod
    async def made(cls, url: str, host: TasksHost) -> "Machines":
        """Make them where they are not made yet."""
        client = stand_in_client("stepfunctions", url)
        substitutions = {
            "TasksFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{TASKS}",
            "Partition": "aws",
        }

        def make(flow: Flow) -> str:
            properties = {
                "DefinitionUri": f"statemachines/{flow.value}.asl.yaml",
                "DefinitionSubstitutions": substitutions,
            }
            return make_state_machine(client, flow.value, definition(REPOSITORY, properties), "STANDARD")

        return cls(url, host, {flow: await asyncio.to_thread(make, flow) for flow in Flow})

    def step_functions(self) -> StepFunctions:
        """The product's own adapter."""
        return StepFunctions(JsonService("states", "AWSStepFunctions", REGION, self.url, "1.0"), self.arns)

    def following(self, database: Database) -> Following:
        """What follows events, as the consumer is wired."""
        waiting = Waiting(flows=PostgresWaitingFlows(database), machines=self.step_functions(), clock=SystemClock())
        return Following(machines=self.step_functions(), waiting=waiting)

    async def started(self, flow: Flow) -> Sequence[str]:
        """The names of a flow's executions."""
        client = stand_in_client("stepfunctions", self.url)
        found = await asyncio.to_thread(lambda: client.list_executions(stateMachineArn=self.arns[flow])["executions"])
        return [execution["name"] for execution in found]

    async def begin(self, flow: Flow, name: str, **given: str) -> str:
        """Start an execution by hand; its ARN."""
        client = stand_in_client("stepfunctions", self.url)
        started = await asyncio.to_thread(
            lambda: client.start_execution(stateMachineArn=self.arns[flow], name=name, input=json.dumps(given))
        )
        return str(started["executionArn"])

    def arn(self, flow: Flow, name: str) -> str:
        """The ARN of an execution."""
        return f"{self.arns[flow].replace(':stateMachine:', ':execution:')}:{name}"

    async def ended(self, execution: str, *, within: float = 20) -> dict[str, Any]:
        """What DescribeExecution says of an execution that has ended."""
        client = stand_in_client("stepfunctions", self.url)
        async with asyncio.timeout(within):
            while True:
                found: dict[str, Any] = await asyncio.to_thread(
                    lambda: client.describe_execution(executionArn=execution)
                )
                if found["status"] != "RUNNING":
                    return found
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
