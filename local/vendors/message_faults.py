"""Faults of the messaging stand-ins that a test or a curious person asks for."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

type Json = dict[str, Any]
type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Faults:
    """Which of the next requests fail, and how.

    A fault is an object: `path` (a pattern that the whole path must match) and `method` say of which requests; `times`
    how many, 1 unless there is a `rate`, which is the share of requests that fail, under a `seed`. What happens:
    `stall` waits for so many seconds before anything else, `status` answers so, with `headers` and `body` (JSON, or a
    text as it is), and `lost` does what was asked for and then cuts the connection.
    """

    def __init__(self) -> None:
        self._faults: list[Json] = []

    def add(self, fault: Json) -> None:
        """Have requests fail from now on."""
        times = fault.get("times", None if "rate" in fault else 1)
        # Not for anything secret: the same seed has the same requests fail.
        self._faults.append({**fault, "times": times, "random": random.Random(fault.get("seed", 0))})  # noqa: S311

    def clear(self) -> None:
        """Have no request fail any more."""
        self._faults.clear()

    def next(self, method: str, path: str) -> Json:
        """What happens to a request; empty when nothing does."""
        for fault in self._faults:
            if fault.get("method", method) != method or not re.fullmatch(fault.get("path", ".*"), path):
                continue
            if fault["random"].random() >= fault.get("rate", 1.0):
                continue
            if fault["times"] is not None:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self._faults.remove(fault)
            return fault
        return {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Has requests fail that are not about the stand-in itself."""
        fault = {} if request.path.startswith("/_fake/") else self.next(request.method, request.path)
        if "stall" in fault:
            await asyncio.sleep(fault["stall"])
        if "status" in fault:
            body = fault.get("body", {"errors": [{"message": "A fault that was asked for.", "field": None}]})
            if isinstance(body, str):
                return web.Response(text=body, status=fault["status"], headers=fault.get("headers"))
            return web.json_response(body, status=fault["status"], headers=fault.get("headers"))
        answer = await handler(request)
        if fault.get("lost") and request.transport is not None:
            request.transport.close()
        return answer
