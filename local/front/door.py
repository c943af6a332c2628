"""The front door: takes every request and decides who answers it."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import aiohttp
import orjson
from aiohttp import web

from local.front.authorizer import Authorizer, Refused
from local.front.events import Incoming, proxy_event, request_context
from local.front.responses import MalformedProxyResponse, Refusal, proxy_response, refuse
from local.front.routes import Match, RouteTable
from local.metrics.meter import Meter
from local.runtime.models import MAX_PAYLOAD_BYTES, Invocation, RuntimeHostError, new_trace_id
from local.runtime.proxy import ReverseProxy
from local.runtime.server import BodyTooLarge, HttpServer, read_body
from local.stack import RouteSpec, StackSpec

logger = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""


class Functions(Protocol):
    """What the front door needs of the runtime host."""

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        """Run a function and return its result."""
        ...

    async def web_url(self, function: str) -> str:
        """Where a web adapter function listens. Raises FunctionUnavailable."""
        ...

    def log_path(self, function: str) -> Path:
        """Where a function's output is."""
        ...


LocalPages = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse | None]]
"""Answers a path that is not part of the API (`/`, `/_local/…`), or returns None."""


class FrontDoor:
    """Serves the stack's REST API on 127.0.0.1 as API Gateway would.

    Args:
        stack: Routes, authorizer, CORS, gateway responses.
        functions: Runs them.
        pages: Answers `/` and `/_local/…`.
        meter: Counts what functions behind the web adapter are asked, which nothing else sees.
    """

    def __init__(
        self,
        stack: StackSpec,
        functions: Functions,
        *,
        pages: LocalPages | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._stack = stack
        self._functions = functions
        self._pages = pages
        self._meter = meter or Meter()
        self._routes = RouteTable(stack.routes)
        self._authorizer = Authorizer(stack.authorizer, stack, functions.invoke) if stack.authorizer else None
        self._server = HttpServer(self._handle)
        self._proxy = ReverseProxy()

    @property
    def url(self) -> str:
        """The base URL once started."""
        return self._server.url

    async def start(self, port: int = 0) -> int:
        """Listen on `port`, or on a free one when it is 0, and return it. Raises OSError when it is taken."""
        await self._proxy.start()
        return await self._server.start(port)

    async def stop(self) -> None:
        """Close the port and every connection. Safe to call twice."""
        await self._server.stop()
        await self._proxy.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        match = self._routes.match(path)
        if match is None:
            return await self._outside(request, path)
        route = match.resource.route(request.method)
        if request.method == "OPTIONS" and self._stack.cors and "OPTIONS" not in match.resource.methods:
            return self._preflight()
        if route is None:
            hint = f"{match.resource.path} has no {request.method}, only {', '.join(sorted(match.resource.methods))}."
            return refuse(Refusal.MISSING_AUTHENTICATION_TOKEN, Incoming.of(request), self._stack, hint)
        try:
            async with asyncio.timeout(route.timeout_seconds):
                answer = self._stream if route.streaming else self._call
                return await answer(request, route, match)
        except BodyTooLarge:
            refusal = Refusal.REQUEST_TOO_LARGE
            hint = f"API Gateway takes {MAX_REQUEST_BYTES} bytes, a function's event {MAX_PAYLOAD_BYTES}."
        except TimeoutError:
            refusal, hint = Refusal.INTEGRATION_TIMEOUT, f"{route.function} took more than {route.timeout_seconds} s."
        except Refused as error:
            refusal, hint = error.refusal, error.hint
        except (MalformedProxyResponse, RuntimeHostError) as error:
            refusal, hint = Refusal.BAD_GATEWAY, f"{route.function}: {error}"
        except aiohttp.ClientError as error:
            refusal, hint = Refusal.BAD_GATEWAY, f"{route.function} does not answer: {error}"
        if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            hint += f" Its log: {self._functions.log_path(route.function)}"
            logger.error("%s %s: %s", request.method, path, hint)
        return refuse(refusal, Incoming.of(request), self._stack, hint)

    async def _call(self, request: web.BaseRequest, route: RouteSpec, match: Match) -> web.StreamResponse:
        """Answer with a function's proxy response."""
        body = await read_body(request, MAX_REQUEST_BYTES)
        incoming = Incoming.of(request)
        context = await self._authorize(incoming, route, match)
        event = orjson.dumps(proxy_event(incoming, match, self._stack, body=body, authorizer=context))
        if len(event) > MAX_PAYLOAD_BYTES:
            raise BodyTooLarge
        invocation = await self._functions.invoke(route.function, event, trace_id=incoming.trace_id)
        if invocation.function_error:
            raise MalformedProxyResponse(invocation.payload.decode(errors="replace")[:4000])
        return proxy_response(invocation.payload, incoming.request_id, incoming.trace_id)

    async def _stream(self, request: web.BaseRequest, route: RouteSpec, match: Match) -> web.StreamResponse:
        """Pass the request to the function's own HTTP server, and its answer back as it comes."""
        body = await read_body(request, MAX_REQUEST_BYTES)
        incoming = Incoming.of(request)
        context = request_context(incoming, match, self._stack, await self._authorize(incoming, route, match))
        added = [*_added_headers(request), ("x-amzn-request-context", json.dumps(context))]
        url = await self._functions.web_url(route.function)
        began, failed = time.monotonic(), False
        try:
            return await self._proxy.forward(request, url, body=body or None, extra_headers=added)
        except aiohttp.ClientError:
            failed = True
            raise
        finally:
            self._meter.record(route.function, time.monotonic() - began, failed=failed)

    async def _authorize(self, incoming: Incoming, route: RouteSpec, match: Match) -> dict[str, object] | None:
        if not route.authorizer:
            return None
        if self._authorizer is None:
            raise Refused(Refusal.AUTHORIZER_CONFIGURATION_ERROR, "template.yaml has no authorizer.")
        return await self._authorizer.authorize(incoming, match)

    def _preflight(self) -> web.Response:
        cors = self._stack.cors
        if cors is None:
            raise RuntimeError("only asked when the API answers preflight requests")
        return web.Response(
            headers={
                "Access-Control-Allow-Origin": cors.allow_origin,
                "Access-Control-Allow-Methods": cors.allow_methods,
                "Access-Control-Allow-Headers": cors.allow_headers,
                "Access-Control-Max-Age": str(cors.max_age_seconds),
            }
        )

    async def _outside(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        page = await self._pages(request, path) if self._pages else None
        hint = f"template.yaml has no route for {request.method} {path}; GET / lists what there is."
        return page or refuse(Refusal.MISSING_AUTHENTICATION_TOKEN, Incoming.of(request), self._stack, hint)


def _added_headers(request: web.BaseRequest) -> list[tuple[str, str]]:
    """What API Gateway adds for an HTTP server behind it; a client's own ids stay.

    The web adapter adds `x-amzn-request-context`, which says what the authorizer said, in place of any client's.
    """
    headers = request.headers
    added = []
    added.append(("x-forwarded-for", ", ".join([*headers.getall("X-Forwarded-For", []), request.remote or ""])))
    if "X-Amzn-Trace-Id" not in headers:
        added.append(("x-amzn-trace-id", new_trace_id()))
    if "X-Request-Id" not in headers:
        added.append(("x-request-id", str(uuid.uuid4())))
    return added
