"""The laptop's stand-ins for those who send messages, served for a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local.vendors.messages import MessageApi

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What webhooks were called, as they came: path with query, headers, body."""

    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, request: web.Request) -> web.Response:
        """Take one call."""
        async with self._changed:
            self.calls.append((request.path_qs, dict(request.headers), await request.read()))
            self._changed.notify_all()
        return web.Response()

    async def until(self, count: int) -> list[tuple[str, dict[str, str], bytes]]:
        """The calls, once there are so many."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.calls) >= count)
        return self.calls


@dataclass(frozen=True, slots=True)
class FakeVendors:
    """Those who send messages.

    Attributes:
        told: What they told afterwards.
        receiver_url: Whom.
        smtp_port: Where the mail server listens.
    """

    url: str
    api: MessageApi
    told: ToldOf
    receiver_url: str
    smtp_port: int

    def fails(self, path: str = ".*", **fault: Any) -> None:
        """Have requests with this path fail, the next one unless `times` or `rate` say otherwise."""
        self.api.faults.add({"path": path, **fault})

    def sent(self, **equal: str) -> list[Json]:
        """What was sent, the newest first."""
        return self.api.records.newest(limit=10_000, **equal)


@asynccontextmanager
async def running_vendors() -> AsyncIterator[FakeVendors]:
    """The stand-ins on a free port, that nothing was sent by, and somebody whom they tell."""
    told = ToldOf()
    receiver = web.Application()
    receiver.router.add_post("/{path:.*}", told.note)
    async with served(receiver) as receiver_url:
        api = MessageApi(webhook_base=receiver_url)
        mail_server = await api.smtp.serve(0)
        async with served(api.app) as url:
            yield FakeVendors(url, api, told, receiver_url, mail_server.sockets[0].getsockname()[1])
        mail_server.close()


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """An application on a free port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
