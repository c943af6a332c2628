"""The app factory: every HTTP service starts from the same FastAPI app and the same Lambda entry point."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from mangum import Mangum
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmo_core.cold_starts import Counting
from llmo_core.http import problems
from llmo_core.http.cors import cors_headers
from llmo_core.http.documentation import Service
from llmo_core.ids import new_id_text
from llmo_core.loop import event_loop
from llmo_core.observability import bind, logger, unbind
from llmo_core.trace import enter_trace, parse_traceparent

_MAX_REQUEST_ID_LENGTH = 128
# Everything else leaves base64 encoded, which API Gateway only decodes for the API's binary media types.
_TEXT_TYPES = ["text/", "application/json", problems.MEDIA_TYPE]


class RequestLog:
    """Gives every request an id, puts it on each log line and on the response, and logs the outcome.

    A defect becomes a 500 here and not in Starlette's outermost middleware, which would leave it without the id.
    Pure ASGI: Starlette's BaseHTTPMiddleware would cost 0.3 ms a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = perf_counter()
        unbind()
        bind(request_id=request_id, org_id=_org_id(scope))
        enter_trace(_traceparent(scope))
        answering = False

        async def with_request_id(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *cors_headers()]
                logger().info(
                    "request",
                    extra={
                        "method": scope["method"],
                        "path": scope["path"],
                        "status": message["status"],
                        "duration_ms": round((perf_counter() - started) * 1000, 2),
                    },
                )
            await send(message)

        try:
            await self._app(scope, receive, with_request_id)
        except Exception:
            if answering:
                raise
            logger().exception("unhandled error")
            await problems.defect()(scope, receive, with_request_id)


def create_app(
    *,
    title: str,
    prefix: str,
    routers: Sequence[APIRouter],
    description: str,
    first: Callable[..., Awaitable[None]] | None = None,
) -> FastAPI:
    """A FastAPI app whose routes live under `prefix`, with problem details and a public OpenAPI 3.1 document.

    The document is served at `{prefix}/openapi.json`. `first` is a dependency that runs before every route's own.
    """
    app = Service(
        title=title,
        description=description,
        version="1",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(first)] if first is not None else [],
    )
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(RequestLog)
    return app


def lambda_handler(app: FastAPI) -> Callable[[Any, Any], Any]:
    """The Lambda entry point of an app, for API Gateway's proxy events; it runs on the process's event loop."""
    asyncio.set_event_loop(event_loop())  # Mangum asks for a current loop when it is made
    mangum = Mangum(app, lifespan="off", text_mime_types=_TEXT_TYPES)

    @Counting
    def handler(event: Any, context: Any) -> Any:  # noqa: ANN401 - Lambda's own shapes
        asyncio.set_event_loop(event_loop())  # where Mangum runs the app
        return mangum(event, context)

    return handler


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and 0 < len(value) <= _MAX_REQUEST_ID_LENGTH:
            text = str(value.decode("latin-1"))
            if text.isascii() and text.isprintable():
                return text
    return new_id_text()


def _traceparent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return parse_traceparent(value.decode("latin-1"))
    return None


def _org_id(scope: Scope) -> str | None:
    authorizer = scope.get("aws.event", {}).get("requestContext", {}).get("authorizer") or {}
    return authorizer.get("org_id")
