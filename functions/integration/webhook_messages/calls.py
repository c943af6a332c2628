"""Sending messages to webhooks: POSTs to an address that may be called; imported when one is sent."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp.abc import ResolveResult
from yarl import URL

from integration.provider_addresses import AddressPolicy
from integration.webhook_messages.answers import UNSENT, Answer, answered
from llmo_core.addresses import Address, LookupsBusy, Resolve, literal, resolve
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.guarded_resolver import AddressRefused, Found, GuardedResolver
from llmo_core.observability import logger

SECONDS: Final = 15
READ_BYTES: Final = 4096  # so that a short answer ends in order; nothing of it is kept
_READ_SECONDS: Final = 1
_TIMEOUT: Final = aiohttp.ClientTimeout(total=SECONDS, sock_connect=5)
_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "LLMOptimizer-Webhooks/1",
    "accept-encoding": "identity",
}
_NO_ADDRESS: Final = "The host's name cannot be resolved to an address."
# The first match counts: the later ones are more general.
_FAILURES: Final[Sequence[tuple[type[Exception], str]]] = (
    (AddressRefused, "The host's address is not called: it is private, or of special use, or needs TLS."),
    (
        aiohttp.ClientSSLError,
        "TLS fails: the certificate is not valid for the host, or no trusted one, or this is no TLS server.",
    ),
    (TimeoutError, f"The receiver does not answer in time: five seconds to connect, {SECONDS} in all."),
    (aiohttp.ClientConnectorError, "Nobody answers at the host and port."),
    (aiohttp.ClientError, "The connection breaks off before there is a whole answer."),
    (OSError, "The connection breaks off before there is a whole answer."),
    (ValueError, "The receiver's URL or its answer cannot be read."),
)


class LookupsUnavailable(Unavailable):
    """Too many names are looked up right now to find the receiver's address."""


class WebhookCalls:
    """Finds receivers of messages: names are resolved once, every address must be allowed, redirects are not followed.

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
        self._tls = tls if tls is not None else True
        self._timeout = timeout

    async def receiver(self, url: str) -> "WebhookReceiver":
        """Who gets a webhook's messages. Its host is looked up here, once for all that are sent to it then.

        A host that is not called, or has no address, is what comes of each message. Raises LookupsUnavailable, which is
        no fault of the receiver's.
        """
        found: Found | Answer
        try:
            found = Found(await self._addresses(URL(url, encoded=True)))
        except LookupsBusy as error:
            raise LookupsUnavailable from error
        except AddressRefused as error:
            found = _failed(error)
        except OSError:
            found = Answer(None, _NO_ADDRESS, slow=True)
        except ValueError as error:
            found = _failed(error)
        return WebhookReceiver(url, found, clock=self._clock, tls=self._tls, timeout=self._timeout)

    async def _addresses(self, url: URL) -> Sequence[ResolveResult]:
        def allows(address: Address) -> bool:
            return self._policy.allows(address, tls=url.scheme == "https")

        host = url.host or ""
        address = literal(host)
        if address is not None:  # of which aiohttp asks no resolver
            if not allows(address):
                raise AddressRefused(str(address))
            return []
        return await GuardedResolver(allows, resolve=self._resolve).resolve(host, url.port or 0)


class WebhookReceiver:
    """Sends messages to a receiver whose addresses were looked at, and to no other ones."""

    def __init__(
        self,
        url: str,
        found: Found | Answer,
        *,
        clock: Clock,
        tls: ssl.SSLContext | bool,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._url = url
        self._found = found
        self._clock = clock
        self._tls = tls
        self._timeout = timeout

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one message. Whatever goes wrong is in what it gives."""
        if isinstance(self._found, Answer):
            return self._found
        try:
            return await self._post(self._found, body, {**_HEADERS, **headers})
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is what came of its message
            return _failed(error)

    async def _post(self, found: Found, body: bytes, headers: Mapping[str, str]) -> Answer:
        connector = aiohttp.TCPConnector(resolver=found, use_dns_cache=False, force_close=True, ssl=self._tls)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.post(URL(self._url, encoded=True), data=body, headers=headers, allow_redirects=False) as response,
        ):
            with suppress(aiohttp.ClientError, TimeoutError):  # its status is the answer, whatever comes after it
                async with asyncio.timeout(_READ_SECONDS):
                    await response.content.read(READ_BYTES)
            return answered(response.status, response.headers.get("retry-after"), now=self._clock.now())


def _failed(error: Exception) -> Answer:
    text = next((text for kind, text in _FAILURES if isinstance(error, kind)), None)
    if text is None:
        logger().error("a defect in sending to a webhook", exc_info=error)
        return UNSENT
    return Answer(None, text, slow=isinstance(error, TimeoutError | aiohttp.ClientConnectorError))
