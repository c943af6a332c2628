#!/usr/bin/env python3
"""Stands in for AWS's Lambda Web Adapter layer in `sam local`, where that layer could only be had with an AWS account.

It keeps the layer's contract: it is `/opt/bootstrap`, starts the script that the function names as its handler, waits
until AWS_LWA_READINESS_CHECK_PATH answers, then makes an HTTP request of each REST event and an answer of each
response. It lacks streaming (so does `sam local`: answers are sent whole), events of other kinds, and compression. It
runs inside the function's container: nothing but the standard library is there.
"""

import base64
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

_RUNTIME = "/2018-06-01/runtime"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_LONGEST_SECONDS = 900.0
_TEXT = ("text/", "application/json")
_CONTEXT = "X-Amzn-Request-Context"  # says who is calling: the layer puts it in place of a client's
_HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


class NotReadyError(Exception):
    """The web server ended, or did not become ready in time."""


def main() -> int:
    """Serve invocations until the container ends."""
    runtime = os.environ["AWS_LAMBDA_RUNTIME_API"]
    port = int(os.environ.get("AWS_LWA_PORT", "8080"))
    script = Path(os.environ.get("LAMBDA_TASK_ROOT", "/var/task")) / os.environ["_HANDLER"]
    with subprocess.Popen([script]) as server:
        try:
            wait_until_ready(server, port, os.environ.get("AWS_LWA_READINESS_CHECK_PATH", "/"))
        except NotReadyError as error:
            server.kill()
            _post(runtime, "/init/error", {"errorType": "Extension.NotReady", "errorMessage": str(error)})
            return 1
        while True:
            _serve_next(runtime, port)


def wait_until_ready(server: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    """Return when the path answers, whatever the status below 500. Raises NotReadyError."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise NotReadyError(f"the web server ended with status {server.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            if send(port, {"path": path, "httpMethod": "GET"})["statusCode"] < http.client.INTERNAL_SERVER_ERROR:
                return
        time.sleep(_POLL_SECONDS)
    raise NotReadyError(f"{path} did not answer within {_START_SECONDS:.0f} s")


def send(port: int, event: dict[str, Any]) -> dict[str, Any]:
    """A REST event (payload 1.0) to the web server, and its answer in the shape that API Gateway takes.

    Raises OSError and http.client.HTTPException.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_SECONDS)
    try:
        body = _body(event)
        connection.putrequest(event["httpMethod"], _target(event), skip_accept_encoding=True)
        for name, values in (event.get("multiValueHeaders") or {}).items():
            if name.lower() not in {*_HOP_BY_HOP, _CONTEXT.lower()}:
                for value in values:
                    connection.putheader(name, value)
        connection.putheader(_CONTEXT, json.dumps(event.get("requestContext") or {}))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return _answer(connection.getresponse())
    finally:
        connection.close()


def _target(event: dict[str, Any]) -> str:
    query = urlencode(event.get("multiValueQueryStringParameters") or {}, doseq=True)
    path = quote(event["path"], safe="/%:@!$&'()*+,;=~")
    return f"{path}?{query}" if query else path


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _answer(response: http.client.HTTPResponse) -> dict[str, Any]:
    content = response.read()
    headers: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        if name.lower() not in _HOP_BY_HOP:
            headers.setdefault(name.lower(), []).append(value)
    is_text = response.headers.get("content-type", "text/").startswith(_TEXT) and "content-encoding" not in headers
    return {
        "statusCode": response.status,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "body": content.decode() if is_text else base64.b64encode(content).decode(),
        "isBase64Encoded": not is_text,
    }


def _serve_next(runtime: str, port: int) -> None:
    connection = http.client.HTTPConnection(runtime)  # the next invocation may be hours away: no timeout
    try:
        connection.request("GET", f"{_RUNTIME}/invocation/next")
        response = connection.getresponse()
        event = json.loads(response.read())
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    finally:
        connection.close()
    try:
        _post(runtime, f"/invocation/{request_id}/response", send(port, event))
    except (OSError, http.client.HTTPException, KeyError) as error:
        failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
        _post(runtime, f"/invocation/{request_id}/error", failure)


def _post(runtime: str, path: str, content: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection(runtime, timeout=_LONGEST_SECONDS)
    try:
        connection.request("POST", _RUNTIME + path, json.dumps(content), {"Content-Type": "application/json"})
        connection.getresponse().read()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
