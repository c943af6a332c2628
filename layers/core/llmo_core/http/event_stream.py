"""Streams of server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Final, override

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

EVENT_STREAM: Final = "text/event-stream"
_leaving: set[asyncio.Task[None]] = set()


class EventStream(StreamingResponse):
    """Server-sent events, which nothing on the way keeps. However the stream ends, what makes them is closed at once.

    Args:
        frames: Events with their ends; what is empty is not sent.
        leave: Is carried out to its end when the stream has ended.
        status_code: The answer's.
    """

    media_type = EVENT_STREAM

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        leave: Callable[[], Awaitable[None]],
        status_code: int = HTTPStatus.OK,
    ) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_sendable(frames), status_code, headers)
        self._leave = leave

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them all, and leave: also when the client has left before the first."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # The client may have left, and with it whatever is awaited here.
            leaving = asyncio.create_task(_done(self._leave))
            _leaving.add(leaving)
            leaving.add_done_callback(_leaving.discard)
            await asyncio.shield(leaving)

    @override
    async def stream_response(self, send: Send) -> None:
        """Send them all."""
        made = self.body_iterator
        if not isinstance(made, AsyncGenerator):
            raise TypeError("a generator makes the events")
        async with aclosing(made):
            await super().stream_response(send)


async def _sendable(frames: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(frames):
        async for framed in frames:
            if framed:
                yield framed


async def _done(leave: Callable[[], Awaitable[None]]) -> None:
    await leave()


def event(name: str, data: bytes, position: str | None = None) -> bytes:
    """One event, with its id if it has one, and its end. The data is one line."""
    identity = b"" if position is None else b"id: %s\n" % position.encode()
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), identity, data)
