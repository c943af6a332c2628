"""A bare aiohttp server on 127.0.0.1: one handler, no routing table, no middleware."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import orjson
from aiohttp import web

LOOPBACK = "127.0.0.1"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BodyTooLarge(Exception):
    """The request's body is longer than the server accepts."""


class HttpServer:
    """Serves one handler on a loopback port.

    A handler is cancelled when its client disconnects. Bodies arrive as they were sent (no decompression).
    """

    def __init__(self, handler: Handler, *, stop_seconds: float = 1.0) -> None:
        self._handler = handler
        self._stop_seconds = stop_seconds
        self._protocols: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>` once started."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self, port: int = 0) -> int:
        """Listen on `port`, or on a free one when it is 0, and return it. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._protocols = web.Server(
            self._serve,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            lingering_time=0,
        )
        self._listener = await loop.create_server(self._protocols, LOOPBACK, port, backlog=512)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self.port

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Expect" in request.headers and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await self._handler(request)

    async def stop(self) -> None:
        """Close the port and every connection, giving open handlers a moment to end. Safe to call twice."""
        if self._listener is None or self._protocols is None:
            return
        self._listener.close()
        self._protocols.pre_shutdown()
        await self._protocols.shutdown(self._stop_seconds)
        self._listener = None


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """Read the whole body. Raises BodyTooLarge as soon as it is longer than `limit` bytes."""
    if not request.body_exists:
        return b""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def json_response(
    body: object,
    status: int = HTTPStatus.OK,
    *,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Answer with `body` as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type=content_type, headers=headers)
