"""Sending messages to webhooks: one POST to an address that may be called; imported when one is sent."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import aiohttp
from yarl import URL

from integration.provider_addresses import AddressPolicy
from integration.webhook_messages.answers import Answer, answered
from llmo_core.addresses import Resolve, literal, resolve
from llmo_core.clock import Clock
from llmo_core.guarded_resolver import AddressRefused, GuardedResolver

SECONDS: Final = 15
READ_BYTES: Final = 4096  # so that a short answer ends in order; nothing of it is kept
_READ_SECONDS: Final = 1
_TIMEOUT: Final = aiohttp.ClientTimeout(total=SECONDS, sock_connect=5)
_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "LLMOptimizer-Webhooks/1",
    "accept-encoding": "identity",
}
# The first match counts: the later ones are more general.
_FAILURES: Final[Sequence[tuple[type[Exception], str]]] = (
    (AddressRefused, "The host's address is not called: it is private, or of special use, or needs TLS."),
    (aiohttp.ClientConnectorDNSError, "The host's name cannot be resolved to an address."),
    (
        aiohttp.ClientSSLError,
        "TLS fails: the certificate is not valid for the host, or no trusted one, or this is no TLS server.",
    ),
    (TimeoutError, f"The receiver does not answer in time: five seconds to connect, {SECONDS} in all."),
    (aiohttp.ClientConnectorError, "Nobody answers at the host and port."),
    (Exception, "The connection breaks off before there is a whole answer."),
)


class WebhookCalls:
    """Sends messages: names are resolved once, every address must be allowed, and redirects are not followed.

    Args:
        policy: Which addresses are called.
        clock: The time, which `Retry-After` may be relative to.
        resolve: Finds addresses.
        tls: Whose certificates are trusted; the usual ones when left out.
        timeout: Of one message.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        clock: Clock,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._resolve = resolve
        self._tls = tls
        self._timeout = timeout

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one message. Whatever goes wrong is in what it gives."""
        try:
            return await self._post(URL(url, encoded=True), body, {**_HEADERS, **headers})
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = next(text for kind, text in _FAILURES if isinstance(error, kind))
            slow = isinstance(error, TimeoutError | aiohttp.ClientConnectorError)
            return Answer(None, text, slow=slow)

    async def _post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        secure = url.scheme == "https"
        address = literal(url.host or "")
        if address is not None and not self._policy.allows(address, tls=secure):
            raise AddressRefused(str(address))
        resolver = GuardedResolver(lambda found: self._policy.allows(found, tls=secure), resolve=self._resolve)
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, force_close=True, ssl=self._tls if self._tls is not None else True
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            with suppress(aiohttp.ClientError, TimeoutError):  # its status is the answer, whatever comes after it
                async with asyncio.timeout(_READ_SECONDS):
                    await response.content.read(READ_BYTES)
            return answered(response.status, response.headers.get("retry-after"), now=self._clock.now())
