"""A small HTTP server behind the web adapter: what it does is asked for in the path."""

import asyncio
import os
import sys

from aiohttp import web


async def healthz(_request: web.Request) -> web.Response:
    return web.json_response({"pid": os.getpid()})


async def echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": (await request.read()).decode(),
        },
        headers={"X-Served-By": "sample", "Keep-Alive": "timeout=5"},
    )


async def events(request: web.Request) -> web.StreamResponse:
    """Send one event at a time; the next one only when the test has asked for it with POST /v1/more."""
    permits = request.app[PERMITS]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    try:
        for number in range(1000):
            await response.write(f"data: {number}\n\n".encode())
            await permits.get()
    except (asyncio.CancelledError, ConnectionResetError):
        request.app[ABORTED].set()
        raise
    return response


async def more(request: web.Request) -> web.Response:
    request.app[PERMITS].put_nowait(None)
    return web.Response(status=204)


async def aborted(request: web.Request) -> web.Response:
    """Answer as soon as the client of a stream has gone away."""
    await request.app[ABORTED].wait()
    return web.Response(text="yes")


async def broken(request: web.Request) -> web.StreamResponse:
    """Break off in the middle of an answer."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half of it")
    assert request.transport is not None
    request.transport.abort()
    return response


async def crash(_request: web.Request) -> web.Response:
    sys.stderr.write("the server gives up\n")
    sys.stderr.flush()
    os._exit(7)


PERMITS = web.AppKey("PERMITS", asyncio.Queue[None])
ABORTED = web.AppKey("ABORTED", asyncio.Event)


def main() -> None:
    app = web.Application()
    app[PERMITS] = asyncio.Queue()
    app[ABORTED] = asyncio.Event()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/v1/events", events)
    app.router.add_post("/v1/more", more)
    app.router.add_get("/v1/aborted", aborted)
    app.router.add_get("/v1/broken", broken)
    app.router.add_get("/v1/crash", crash)
    app.router.add_route("*", "/v1/{rest:.*}", echo)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["AWS_LWA_PORT"]), print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
