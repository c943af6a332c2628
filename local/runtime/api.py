"""The Runtime API that one worker talks to.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from aiohttp import web

from local.runtime.models import MAX_PAYLOAD_BYTES, InitFailed, Invocation, Work, response_too_large
from local.runtime.server import BodyTooLarge, HttpServer, json_response, read_body

VERSION = "/2018-06-01"
NEXT = f"{VERSION}/runtime/invocation/next"
INIT_ERROR = f"{VERSION}/runtime/init/error"
INVOCATION = f"{VERSION}/runtime/invocation/"


@dataclass(frozen=True, slots=True)
class Task:
    """Work that a worker is to do, and where its result is awaited."""

    work: Work
    deadline: float
    result: "asyncio.Future[Invocation]"


class RuntimeApi:
    """Hands one worker its invocations, one at a time, and takes back what it answers.

    Attributes:
        initialised: Done when the worker asks for its first invocation; failed with InitFailed when it reports that
            it cannot start.
    """

    def __init__(self, function_arn: str) -> None:
        self._function_arn = function_arn
        self._server = HttpServer(self._handle, stop_seconds=0.01)
        self._waiting: asyncio.Queue[Task] = asyncio.Queue(maxsize=1)
        self._current: Task | None = None
        self.initialised: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> str:
        """Listen, and return the value for AWS_LAMBDA_RUNTIME_API."""
        await self._server.start()
        return self._server.url.removeprefix("http://")

    async def stop(self) -> None:
        """Close the port."""
        await self._server.stop()
        if self.initialised.done():
            self.initialised.exception()  # a failure that nobody waited for any more
        else:
            self.initialised.cancel()

    def submit(self, work: Work, timeout_seconds: float) -> "asyncio.Future[Invocation]":
        """Give the worker, which must be without work, its next invocation."""
        task = Task(work, time.time() + timeout_seconds, asyncio.get_running_loop().create_future())
        self._current = task
        self._waiting.put_nowait(task)
        return task.result

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == NEXT and request.method == "GET":
            return await self._next()
        if request.method != "POST":
            return _refused("InvalidMethod", HTTPStatus.METHOD_NOT_ALLOWED)
        if path == INIT_ERROR:
            return await self._init_error(request)
        request_id, _, outcome = path.removeprefix(INVOCATION).partition("/")
        current = self._current
        if current is None or current.work.request_id != request_id or outcome not in {"response", "error"}:
            return _refused("InvalidRequestID", HTTPStatus.BAD_REQUEST)
        return await self._finish(request, current, failed=outcome == "error")

    async def _next(self) -> web.Response:
        if not self.initialised.done():
            self.initialised.set_result(None)
        task = await self._waiting.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": task.work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(task.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function_arn,
            "Lambda-Runtime-Trace-Id": task.work.trace_id,
        }
        if task.work.client_context:
            headers["Lambda-Runtime-Client-Context"] = task.work.client_context
        return web.Response(body=task.work.payload, content_type="application/json", headers=headers)

    async def _init_error(self, request: web.BaseRequest) -> web.Response:
        payload = await read_body(request, MAX_PAYLOAD_BYTES)
        if not self.initialised.done():
            self.initialised.set_exception(InitFailed(payload))
        return _accepted()

    async def _finish(self, request: web.BaseRequest, task: Task, *, failed: bool) -> web.Response:
        request_id = task.work.request_id
        try:
            payload = await read_body(request, MAX_PAYLOAD_BYTES)
        except BodyTooLarge:
            self._resolve(task, response_too_large(request_id))
            return _refused("Function.ResponseSizeTooLarge", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._resolve(task, Invocation(request_id, payload, "Unhandled" if failed else None))
        return _accepted()

    def _resolve(self, task: Task, invocation: Invocation) -> None:
        self._current = None
        if not task.result.done():
            task.result.set_result(invocation)


def _accepted() -> web.Response:
    return web.Response(
        body=orjson.dumps({"status": "OK"}), status=HTTPStatus.ACCEPTED, content_type="application/json"
    )


def _refused(error_type: str, status: HTTPStatus) -> web.Response:
    return json_response({"errorType": error_type, "errorMessage": status.phrase}, status)
