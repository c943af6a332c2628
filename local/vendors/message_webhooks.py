"""What the messaging stand-ins tell their receiver afterwards, in batches, signed as the vendors sign."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

type Json = dict[str, Any]

SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_BATCH: Final = 500
_GATHERED_SECONDS: Final = 0.05
_AT_ONCE: Final = 8
_LAST_SECONDS: Final = 2.0
_TRIES: Final = 4  # a vendor goes on for a day; a stack that starts takes some seconds

logger = logging.getLogger(__name__)


class EventKey:
    """The key pair of SendGrid's event webhook: ECDSA P-256 over the timestamp and the body.

    Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features

    Args:
        file: Where it is kept; None makes one for this process.
    """

    def __init__(self, file: Path | None = None) -> None:
        if file is not None and file.exists():
            key = serialization.load_pem_private_key(file.read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - written below
            self._key = key
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        if file is not None:
            pem = self._key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            file.touch(mode=0o600)
            file.write_bytes(pem)

    @property
    def public(self) -> str:
        """The public key as SendGrid shows it: base64 of its DER."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        """The headers that sign a body."""
        moment = str(int(time.time()) if at is None else at)
        signature = self._key.sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: moment}


def twilio_signature(url: str, form: Mapping[str, str], auth_token: str) -> str:
    """The `X-Twilio-Signature` of a form that is posted to a URL.

    Source: https://www.twilio.com/docs/usage/security#validating-requests
    """
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class WebhookPosts:
    """Posts what happened, without anybody waiting for it.

    Args:
        events_url: Where SendGrid's events go; None tells nobody.
        key: What they are signed with.
    """

    def __init__(self, events_url: str | None, key: EventKey) -> None:
        self._events_url = events_url
        self._key = key
        self._gathered: list[Json] = []
        self._posting: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def tell_events(self, events: Sequence[Json]) -> None:
        """Tell of events of SendGrid's; many at once go in one request, as they do there."""
        if self._events_url is None or not events:
            return
        if not self._gathered:
            self._start(self._post_gathered())
        self._gathered += events

    def tell_callback(self, url: str, form: Mapping[str, str], auth_token: str) -> None:
        """Tell of a status of Twilio's."""
        headers = {"X-Twilio-Signature": twilio_signature(url, form, auth_token)}
        self._start(self._post(url, headers, data=dict(form)))

    async def close(self, _app: object = None) -> None:
        """Wait for what is being told, not for ever."""
        if self._posting:
            await asyncio.wait(self._posting, timeout=_LAST_SECONDS)
        for task in [*self._posting]:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def _start(self, posting: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.get_running_loop().create_task(posting)
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post_gathered(self) -> None:
        await asyncio.sleep(_GATHERED_SECONDS)
        assert self._events_url is not None  # noqa: S101 - nothing is gathered without it
        gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), _BATCH):
            body = json.dumps(gathered[start : start + _BATCH]).encode()
            headers = {"Content-Type": "application/json", **self._key.headers(body)}
            await self._post(self._events_url, headers, data=body)

    async def _post(self, url: str, headers: Mapping[str, str], data: Any) -> None:  # noqa: ANN401 - bytes or a form
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        for tried in range(_TRIES):
            try:
                async with self._slots, self._session.post(url, data=data, headers=headers) as answer:
                    if answer.status < 500:  # noqa: PLR2004 - what a receiver refuses it refuses again
                        logger.info("webhook %s: %s", url, answer.status)
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                logger.warning("webhook %s: %r", url, error)
            await asyncio.sleep(0.25 * 2**tried)
