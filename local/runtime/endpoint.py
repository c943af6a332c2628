"""The laptop's one AWS endpoint: Lambda's Invoke API here, every other call passed on to moto.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
from http import HTTPStatus
from urllib.parse import unquote

import aiohttp
from aiohttp import web

from local.runtime.host import RuntimeHost
from local.runtime.models import MAX_PAYLOAD_BYTES, UnknownFunction
from local.runtime.proxy import ReverseProxy
from local.runtime.server import BodyTooLarge, HttpServer, json_response, read_body

FUNCTIONS = "/2015-03-31/functions/"
INVOCATIONS = "/invocations"


class AwsEndpoint:
    """Serves Invoke for the host's functions and forwards the rest.

    boto3 clients with `endpoint_url` here reach Lambda and everything that moto has; so does moto's Step Functions
    interpreter, which calls `http://localhost:$MOTO_PORT`.

    Args:
        host: Runs the functions.
        moto_url: Where the moto server listens.
    """

    def __init__(self, host: RuntimeHost, moto_url: str) -> None:
        self._host = host
        self._moto_url = moto_url
        self._server = HttpServer(self._handle)
        self._proxy = ReverseProxy()

    @property
    def url(self) -> str:
        """The endpoint's URL once started."""
        return self._server.url

    async def start(self, port: int = 0) -> int:
        """Listen on `port`, or on a free one when it is 0, and return it."""
        await self._proxy.start()
        return await self._server.start(port)

    async def stop(self) -> None:
        """Close the port and the connections to moto. Safe to call twice."""
        await self._server.stop()
        await self._proxy.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if request.method == "POST" and path.startswith(FUNCTIONS) and path.endswith(INVOCATIONS):
            return await self._invoke(request, path.removeprefix(FUNCTIONS).removesuffix(INVOCATIONS))
        try:
            return await self._proxy.forward(request, self._moto_url)
        except aiohttp.ClientError as error:
            return _refused("ServiceUnavailableException", f"moto: {error}", HTTPStatus.SERVICE_UNAVAILABLE)

    async def _invoke(self, request: web.BaseRequest, name: str) -> web.Response:
        try:
            payload = await read_body(request, MAX_PAYLOAD_BYTES) or b"{}"
        except BodyTooLarge:
            message = f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            return _refused("RequestTooLargeException", message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        function = function_name(unquote(name))
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        try:
            if kind == "DryRun":
                return web.Response(status=HTTPStatus.NO_CONTENT)
            if kind == "Event":
                request_id = self._host.send(function, payload)
                return web.Response(status=HTTPStatus.ACCEPTED, headers={"x-amzn-RequestId": request_id})
            invocation = await self._host.invoke(function, payload, trace_id=request.headers.get("X-Amzn-Trace-Id"))
        except UnknownFunction as error:
            return _refused("ResourceNotFoundException", str(error), HTTPStatus.NOT_FOUND)
        headers = {"x-amzn-RequestId": invocation.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if invocation.function_error:
            headers["X-Amz-Function-Error"] = invocation.function_error
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = self._log_tail(function)
        return web.Response(body=invocation.payload, content_type="application/json", headers=headers)

    def _log_tail(self, function: str) -> str:
        """Return the last 4 KB of the function's log, as `LogType=Tail` asks."""
        log = self._host.log_path(function)
        return base64.b64encode(log.read_bytes()[-4096:] if log.exists() else b"").decode()


def function_name(name: str) -> str:
    """Reduce what Invoke accepts (a name, a partial ARN, an ARN, each with a qualifier) to the function's name."""
    parts = name.split(":")
    return parts[parts.index("function") + 1] if "function" in parts else parts[0]


def _refused(error_type: str, message: str, status: HTTPStatus) -> web.Response:
    body = {"Type": "User", "Message": message, "message": message}
    return json_response(body, status, headers={"x-amzn-ErrorType": error_type})
