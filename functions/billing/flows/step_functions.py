"""State machines in AWS Step Functions, called without an SDK."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from billing.flows.models import Ending, Execution, Flow, FlowsUnavailable
from billing.signed_calls import post
from llmo_core.aws import JsonService
from llmo_core.observability import logger

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_STARTED_BEFORE: Final = frozenset({"ExecutionAlreadyExists"})
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
_WAITS_NO_MORE: Final = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})


class StepFunctions:
    """Starts executions and tells tasks that wait.

    Args:
        service: Step Functions.
        machines: The ARN of each flow's state machine; those that are not started need none.
    """

    def __init__(self, service: JsonService, machines: Mapping[Flow, str]) -> None:
        self._service = service
        self._machines = machines

    async def start(self, execution: Execution) -> None:
        """Start an execution, once: when there is or was one of its name, nothing happens. Raises FlowsUnavailable."""
        given = {"org_id": str(execution.org_id), "id": str(execution.key)}
        request = {
            "stateMachineArn": self._machines[execution.flow],
            "name": execution.name,
            "input": json.dumps(given),
        }
        if not await self._call("StartExecution", request, _STARTED_BEFORE):
            logger().info("flow started before", extra={"execution": execution.name})

    async def tell(self, token: str, ending: Ending) -> None:
        """Let a task that waits go on, or fail by name. One that waits no more is left. Raises FlowsUnavailable."""
        if ending.failure is None:
            told = await self._call("SendTaskSuccess", {"taskToken": token, "output": "{}"}, _WAITS_NO_MORE)
        else:
            failure = {"taskToken": token, "error": ending.failure, "cause": ending.cause}
            told = await self._call("SendTaskFailure", failure, _WAITS_NO_MORE)
        if not told:
            logger().info("a flow waits no more")

    async def _call(self, operation: str, request: Mapping[str, str], expected: frozenset[str]) -> bool:
        """Whether it was done; False where it is refused with one of the errors that are expected."""
        try:
            status, answer = await post(self._service, operation, json.dumps(request).encode())
        except OSError as error:  # what has no answer: refused, cut off, or too late
            raise FlowsUnavailable(f"Step Functions does not answer ({type(error).__name__}).") from error
        if status == HTTPStatus.OK:
            return True
        if _error_of(answer) in expected:
            return False
        logger().error("Step Functions refused", extra={"operation": operation, "status": status})
        raise FlowsUnavailable(f"Step Functions refuses {operation} ({status}, {_error_of(answer)}).")


def _error_of(answer: bytes) -> str:
    """The name of an error: `com.amazonaws.swf.service.v2.model#TaskTimedOut`, or without what precedes it."""
    try:
        said = json.loads(answer)
    except ValueError:
        return ""
    return str(said.get("__type", "")).rpartition("#")[2] if isinstance(said, dict) else ""
