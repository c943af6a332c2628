"""What goes into an invocation, what comes out, and Lambda's own words for what goes wrong.

Shapes: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html and
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
"""

import os
import secrets
import signal
import time
import uuid
from dataclasses import dataclass, field

import orjson

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""Request and response of a synchronous invocation:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class RuntimeHostError(Exception):
    """The host cannot do what was asked of it."""


class UnknownFunction(RuntimeHostError):
    """No function of that name is in the template."""


class UnknownSchedule(RuntimeHostError):
    """No schedule of that name is in the template."""


class HostStopped(RuntimeHostError):
    """The host is stopping and takes no more work."""


class FunctionUnavailable(RuntimeHostError):
    """The web process of a function did not come up; the message says why."""


class InitFailed(RuntimeHostError):
    """A worker ended, or reported an error, before it asked for its first invocation."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


def new_trace_id() -> str:
    """A trace header that is not sampled, as Lambda makes one when the caller sent none."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


@dataclass(frozen=True, slots=True)
class Work:
    """One event on its way into a function.

    Attributes:
        payload: The event, JSON.
        request_id: `context.aws_request_id`.
        trace_id: The X-Ray trace header.
        client_context: JSON of the caller's client context, or empty.
    """

    payload: bytes
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(default_factory=new_trace_id)
    client_context: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came out of a function.

    Attributes:
        request_id: The invocation's id, in the function's log too.
        payload: The function's result, JSON; or the error object when `function_error` is set.
        function_error: `Unhandled` when the function raised, crashed, or ran out of time.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None


def failed(request_id: str, error_type: str, message: str) -> Invocation:
    """An invocation that Lambda itself, not the handler, reports as failed."""
    return Invocation(request_id, error_payload(error_type, f"RequestId: {request_id} Error: {message}"), "Unhandled")


def error_payload(error_type: str, message: str) -> bytes:
    """The JSON object that callers get for an error that has no stack trace."""
    return orjson.dumps({"errorType": error_type, "errorMessage": message})


def timed_out(request_id: str, seconds: float) -> Invocation:
    """The invocation was killed at the function's timeout."""
    return failed(request_id, "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def exited(request_id: str, return_code: int) -> Invocation:
    """The worker process ended in the middle of the invocation."""
    return failed(request_id, "Runtime.ExitError", exit_reason(return_code))


def exit_reason(return_code: int) -> str:
    """Lambda's words for how a runtime process ended."""
    if return_code == os.EX_OK:
        return "Runtime exited without providing a reason"
    if return_code < 0:
        return f"Runtime exited with error: signal: {_signal_name(-return_code)}"
    return f"Runtime exited with error: exit status {return_code}"


def response_too_large(request_id: str) -> Invocation:
    """The function's result does not fit into a response."""
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
    return Invocation(request_id, error_payload("Function.ResponseSizeTooLarge", message), "Unhandled")


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or str(number)).lower()
