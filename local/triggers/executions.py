"""What schedules start: functions in the runtime host, state machines in the AWS stand-in."""

import asyncio

import orjson
from botocore.exceptions import ClientError

from local.aws.client import stand_in_client
from local.runtime.models import Invocation, failed
from local.stack import StackSpec
from local.triggers.schedules import Functions


class ScheduledTargets:
    """Functions and state machines by their logical ids.

    Args:
        stack: The state machines.
        functions: Runs the functions.
    """

    def __init__(self, stack: StackSpec, functions: Functions) -> None:
        self._stack = stack
        self._functions = functions

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Run a function and return its result, or start a state machine and return the execution's ARN."""
        machine = self._stack.state_machines.get(function)
        if machine is None:
            return await self._functions.invoke(function, payload, trace_id=trace_id)
        return await asyncio.to_thread(self._start, machine, payload)

    def _start(self, machine: str, payload: bytes) -> Invocation:
        client = stand_in_client("stepfunctions", self._stack.aws_endpoint_url)
        try:
            started = client.start_execution(stateMachineArn=machine, input=payload.decode())
        except ClientError as error:
            return failed(machine, error.response["Error"]["Code"], str(error))
        arn: str = started["executionArn"]
        return Invocation(arn.rpartition(":")[2], orjson.dumps({"executionArn": arn}))
