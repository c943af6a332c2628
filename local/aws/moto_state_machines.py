"""Where moto's interpreter of state machines does something else than AWS: put right in the server that we start."""

import math
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

_start_execution = StepFunctionsParserBackend.start_execution
_parsed = Timestamp._from_timestamp_string  # noqa: SLF001 - moto's own


def start_execution(backend: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - moto's own
    """Start an execution; one without a name gets one of its own, and moto gave them all none."""
    return _start_execution(backend, state_machine_arn, name or str(uuid.uuid4()), *rest, **more)


def send_task_failure(responses: Any) -> EmptyResult:  # noqa: ANN401 - moto's own
    """Fail the task that waits for a token, with the cause, which moto forgot."""
    token, error, cause = (responses._get_param(name) for name in ("taskToken", "error", "cause"))  # noqa: SLF001 - as moto's own
    responses.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


def wait_again(task: Any, env: Any) -> None:  # noqa: ANN401 - moto's own
    """Carry a task out; a repetition waits for a token of its own, and moto gave it the answered one."""
    context = env.states.context_object
    data = context.context_object_data
    if "Task" in data and data["State"]["RetryCount"] > 0:
        env.callback_pool_manager.add(context.update_task_token())
    StateTaskService._eval_execution(task, env)  # noqa: SLF001 - the method that this one overrides


def name_error(error: Any, error_name: str | None) -> None:  # noqa: ANN401 - moto's own
    """Name an error that is passed on, `States.Timeout` too, at which moto broke off."""
    ErrorName.__init__(error, error_name=error_name)


def seconds_until(wait: Any, env: Any) -> int:  # noqa: ANN401 - moto's own
    """How long a Wait state waits for a moment: not too short, and by UTC; moto went by the machine's own time."""
    wait.string.eval(env=env)
    text = env.stack.pop()
    moment = _parsed(text)
    if moment is None:
        raise FailureEventException(wait._create_failure_event(env, text))  # noqa: SLF001 - moto's own
    return math.ceil((moment.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())


def mend() -> None:
    """Put the mended functions into moto."""
    for owner, name, mended in (
        (StepFunctionsParserBackend, "start_execution", start_execution),
        (StepFunctionResponse, "send_task_failure", send_task_failure),
        (StateTaskServiceCallback, "_eval_execution", wait_again),
        (CustomErrorName, "__init__", name_error),
        (Timestamp, "_get_wait_seconds", seconds_until),
    ):
        setattr(owner, name, mended)
