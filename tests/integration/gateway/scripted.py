"""Providers that do as they are told, one call after the other."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from aiohttp import web

USAGE: Final = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}
_CHUNK: Final = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}

type Step = int | str | tuple[int, str]


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Scripted:
    """A provider.

    Attributes:
        name: What it answers with.
        script: What it does with the next calls: a status, perhaps with its `retry-after`, `stall` before the first
            byte, `empty` for a stream without anything in it, `break` for one that breaks off after a piece, `text` for
            an answer that is no JSON, `indented` for one on many lines, `deep` for one that is
            nested three hundred times. Calls beyond the script are answered.
        calls: The bodies that came; nothing of those that are not JSON.
        headers: The headers that came.
        urls: The paths and queries that came.
        usage: What it says that a call used.
        pieces: In how many pieces a stream brings the answer.
        vector: What every text means to it.
        embedded: The texts that came to be embedded; the script counts for those calls, too.
    """

    name: str
    url: str = ""
    script: deque[Step] = field(default_factory=deque)
    calls: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    _called: asyncio.Condition = field(default_factory=asyncio.Condition)
    _free: asyncio.Event = field(default_factory=_set)
    usage: dict[str, int] = field(default_factory=lambda: dict(USAGE))
    pieces: int = 1
    vector: list[float] = field(default_factory=lambda: [1.0, -1.0, 0.5, 0.25] * 96)
    embedded: list[str] = field(default_factory=list)

    async def until_called(self, times: int) -> None:
        """Wait until so many calls came; TimeoutError after five seconds."""
        async with asyncio.timeout(5), self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    def hold(self) -> None:
        """Answer nothing from now on."""
        self._free.clear()

    def let_go(self) -> None:
        """Answer again, what waited too."""
        self._free.set()

    def then(self, *steps: Step) -> None:
        """Do this with the next calls."""
        self.script.extend(steps)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do what the script says."""
        raw = await request.read()
        body = json.loads(raw) if request.content_type == "application/json" else {}
        self.calls.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.urls.append(str(request.rel_url))
        async with self._called:
            self._called.notify_all()
        await self._free.wait()
        step = self.script.popleft() if self.script else 200
        if step == "stall":
            await asyncio.Event().wait()
        if step == "text":
            return web.Response(text="no JSON")
        if step != 200 and not isinstance(step, str):
            status, headers = (step, {}) if isinstance(step, int) else (step[0], {"retry-after": step[1]})
            error = {"message": f"told to answer {status}", "type": "server_error", "param": None, "code": None}
            return web.json_response({"error": error}, status=status, headers=headers)
        if request.path.endswith("/embeddings"):
            return self._embedding(body)
        return await self._stream(request, step) if body.get("stream") else self._plain(step)

    def _embedding(self, body: dict[str, Any]) -> web.Response:
        self.embedded.append(body["input"])
        data = [{"object": "embedding", "index": 0, "embedding": self.vector}]
        return web.json_response({"object": "list", "data": data, "model": "scripted", "usage": self.usage})

    def _plain(self, step: Step) -> web.Response:
        message = {"role": "assistant", "content": self.name}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer: dict[str, Any] = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "scripted",
            "choices": [choice],
        }
        answer |= {"usage": self.usage}
        if step == "deep":
            answer |= {"nested": json.loads("[" * 300 + "]" * 300)}
        return web.json_response(answer, dumps=partial(json.dumps, indent=2 if step == "indented" else None))

    async def _stream(self, request: web.Request, step: Step) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        if step == "empty":
            return response
        size = -(-len(self.name) // self.pieces)
        for start in range(0, len(self.name), size):
            choice = {"index": 0, "delta": {"content": self.name[start : start + size]}, "finish_reason": None}
            await response.write(_event({**_CHUNK, "choices": [choice]}))
        if step == "break":
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(_event({**_CHUNK, "choices": [], "usage": self.usage}))
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@asynccontextmanager
async def scripted(name: str) -> AsyncIterator[Scripted]:
    """A provider on a free port."""
    provider = Scripted(name)
    app = web.Application()
    app.router.add_post("/v1/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield provider
    await runner.cleanup()
