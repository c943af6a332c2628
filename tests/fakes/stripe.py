"""The laptop's stand-in for Stripe, served for a test, and what browsers, banks and customers do about it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from local.vendors.stripe_api import StripeApi
from local.vendors.stripe_webhooks import signature

type Json = dict[str, Any]

GOOD_CARD = "4242424242424242"
DECLINED_LATER = "4000000000000341"
AUTHENTICATED = "4000002760003184"
DISPUTED = "4000000000000259"
API_KEY = "sk_test_standin"


@dataclass(frozen=True, slots=True)
class FakeStripe:
    """Stripe, and the world around it."""

    url: str
    api: StripeApi

    def fails(self, path: str, **fault: Any) -> None:
        """Have requests with this path fail, the next one unless `times` says how many."""
        self.api.faults.append({"path": path, **fault})

    def calls(self, path: str, method: str = "POST") -> list[Json]:
        """The requests with this path, the oldest first."""
        return [call for call in self.api.requests if (call["method"], call["path"]) == (method, path)]

    def objects(self, kind: str, **equal: object) -> list[Json]:
        """What there is of a kind, the newest first."""
        return [*self.api.store.every(kind, **equal)]

    def events(self, *types: str) -> list[Json]:
        """What happened, the oldest first."""
        return [each for each in reversed(self.objects("event")) if not types or each["type"] in types]

    async def save_card(self, setup: Json, number: str = GOOD_CARD) -> Json:
        """What a browser does with a setup intent."""
        form = {
            "client_secret": setup["client_secret"],
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": number,
        }
        return await self._post(f"/v1/setup_intents/{setup['id']}/confirm", data=form)

    async def go_on(self, client_secret: str, *, success: bool) -> Json:
        """What a browser and the customer do with a payment intent that has to be authenticated."""
        intent_id = client_secret.partition("_secret_")[0]
        confirmed = await self._post(f"/v1/payment_intents/{intent_id}/confirm", data={"client_secret": client_secret})
        assert confirmed["status"] == "requires_action", confirmed
        return await self.happens(f"payment_intents/{intent_id}/authenticate", success=success)

    async def happens(self, path: str, **given: Any) -> Json:
        """Something outside of Stripe."""
        return await self._post(f"/_fake/{path}", json=given)

    async def _post(self, path: str, **options: Any) -> Json:
        headers = {"Authorization": "Bearer pk_test_standin"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.url + path, **options) as answer,
        ):
            found: Json = await answer.json()
            return found


def signed(event: Json, secret: str, *, at: int | None = None) -> tuple[bytes, str]:
    """An event as Stripe sends it: body and signature."""
    body = json.dumps(event).encode()
    return body, signature(body, secret, at=at)


@contextmanager
def stripe_in_a_thread() -> Iterator[FakeStripe]:
    """The same beside tests that block their event loop, as those of Lambda handlers do."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = running_stripe()
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@asynccontextmanager
async def running_stripe() -> AsyncIterator[FakeStripe]:
    """Stripe on a free port, which knows nobody yet."""
    api = StripeApi()
    runner = web.AppRunner(api.app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield FakeStripe(f"http://{host}:{port}", api)
    finally:
        await runner.cleanup()
