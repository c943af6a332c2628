"""The Stripe stand-in's webhooks, signed as Stripe signs: https://docs.stripe.com/webhooks#verify-manually."""

import asyncio
import hashlib
import hmac
import json
import logging
import time

import aiohttp
from aiohttp import web

from local.vendors.stripe_store import Json

_TIMEOUT = aiohttp.ClientTimeout(total=10)

logger = logging.getLogger(__name__)


def signature(body: bytes, secret: str, *, at: int | None = None) -> str:
    """The `Stripe-Signature` of a body."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class WebhookSender:
    """Tells one receiver of events, each once.

    Args:
        url: The receiver.
        secret: The signing secret.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, event: Json) -> None:
        """Send an event without waiting for it."""
        task = asyncio.get_running_loop().create_task(self._post(event))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self, _app: web.Application) -> None:
        """Wait for what is being sent."""
        await asyncio.gather(*self._sending)

    async def _post(self, event: Json) -> None:
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, self._secret)}
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(self._url, data=body, headers=headers) as answer,
            ):
                logger.info("webhook %s: %s", event["type"], answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("webhook %s: %r", event["type"], error)
