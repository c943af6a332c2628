"""A webhook, from the API that sets it up to the receiver that verifies what it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.e2e.platform import Platform

SECONDS = 20

type Message = tuple[Mapping[str, str], bytes]


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[str, asyncio.Queue[Message]]]:
    """A receiver's URL, and what it gets."""
    got: asyncio.Queue[Message] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        got.put_nowait((request.headers, await request.read()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hooks", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hooks", got
    finally:
        await runner.cleanup()


async def test_a_receiver_is_told_of_a_revoked_key_and_knows_who_says_so(platform: Platform) -> None:
    key = await platform.make_key()
    async with receiving() as (url, got):
        webhook = await platform.set_up("webhooks", url=url, event_types=["api_key.revoked"])
        path = f"/api/v1/webhooks/{webhook['id']}"

        async def next_event() -> dict[str, Any]:
            async with asyncio.timeout(SECONDS):
                headers, body = await got.get()
            told: dict[str, Any] = Webhook(webhook["secret"]).verify(body, dict(headers))
            return told

        try:
            tried = (await platform.call("POST", f"{path}/test")).json()
            assert (tried["delivered"], (await next_event())["type"]) == (True, "webhook.test")

            assert (await platform.call("DELETE", f"/api/v1/api-keys/{key.id}")).status == 204
            told = await next_event()
            assert (told["type"], told["data"]["key_id"]) == ("api_key.revoked", key.id)
            assert got.empty()
        finally:
            await platform.call("DELETE", path)
