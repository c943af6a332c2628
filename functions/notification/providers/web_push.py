"""Push notifications to browsers: Web Push (RFC 8030), encrypted (RFC 8291), by a sender that is known (RFC 8292).

Each goes to the push service of the recipient's browser. Which that is, the recipient says: addresses that are not the
internet's are not called, and redirects are not followed.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from http_ece import ECEException
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher, WebPushException

from llmo_core.addresses import Address, is_private, is_public, literal
from llmo_core.clock import Clock
from llmo_core.guarded_resolver import AddressRefused, GuardedResolver
from llmo_core.observability import logger
from notification.contents import PushContent
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import outcome_of, retry_after_of, said_by
from notification.providers.pushes import broken, collapse_key, push_of, seconds, shortened

KIND: Final = "web_push"
_AT_ONCE: Final = 32
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, sock_connect=5)
_TOKEN_LIFE: Final = timedelta(hours=12)  # RFC 8292 allows 24 hours
_MOST_BYTES: Final = 3000  # of 3993 that every push service takes, encrypted 4096: the rest is not the text
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_KNOWN_TO_ANOTHER: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_LONGEST_ID: Final = 300
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?")
_UNUSABLE_KEYS: Final = (WebPushException, ECEException, ValueError, TypeError, AttributeError, LookupError)


class WebPush:
    """Sends push notifications to browsers.

    Args:
        private_key: Ours (RFC 8292), as PEM, or as base64url of its 32 bytes. Raises ValueError when it is none.
        contact: Whom push services can ask about what we send: `mailto:...`.
        allow_private: Whether push services may be in private networks and unencrypted, as a stand-in is.
        timeout: Of one notification.
    """

    name = KIND
    batch = 50

    def __init__(
        self,
        private_key: str,
        *,
        contact: str,
        clock: Clock,
        allow_private: bool = False,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> None:
        self._vapid = _key(private_key)
        self._contact = contact
        self._clock = clock
        self._allow_private = allow_private
        self._timeout = timeout
        self._opened: aiohttp.ClientSession | None = None

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand notifications over; one outcome for each, in their order."""
        return await asyncio.gather(*map(self._send, messages))

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def _send(self, message: Outgoing) -> Outcome:
        """What recipients give as addresses may have whatever it is that nobody thought of: it is theirs alone."""
        try:
            return await self._pushed(message)
        except Exception:  # noqa: BLE001 - notifications beside this one are sent
            logger().exception("a defect in Web Push", extra={"message_id": str(message.message_id)})
            return Failed("A defect in sending; the log has it.", unknown=True)

    async def _pushed(self, message: Outgoing) -> Outcome:
        pushed = push_of(message, KIND)
        if isinstance(pushed, Refused):
            return pushed
        content, device = pushed
        endpoint = str(device.get("endpoint") or "")
        if not self._may_be_called(endpoint):
            return Refused("The endpoint is not one of a push service on the internet.")
        try:
            body = bytes(WebPusher(device).encode(_payload(content, message))["body"])
        except _UNUSABLE_KEYS:
            return Refused("The device's keys are none that anything can be encrypted for.", gone=True)
        try:
            async with self._session().post(
                endpoint, data=body, headers=self._headers(endpoint, message), allow_redirects=False
            ) as answer:
                return self._outcome(answer)
        except AddressRefused:
            return Refused("The endpoint is not one of a push service on the internet.")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return broken(error)

    def _headers(self, endpoint: str, message: Outgoing) -> dict[str, str]:
        url = urlsplit(endpoint)
        claims: dict[str, Any] = {
            "aud": f"{url.scheme}://{url.netloc}",
            "exp": int((self._clock.now() + _TOKEN_LIFE).timestamp()),
            "sub": self._contact,
        }
        return {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(seconds(message.time_to_live)),
            "Urgency": "high" if message.critical else "normal",
            "Topic": collapse_key(message.message_id),
            **self._vapid.sign(claims),
        }

    def _outcome(self, answer: aiohttp.ClientResponse) -> Outcome:
        status = answer.status
        if status in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}:
            return Sent(said_by(answer.headers.get("Location", ""))[:_LONGEST_ID])
        if status in _GONE:
            return Refused(f"HTTP {status}: the browser has unsubscribed.", gone=True)
        if status in _KNOWN_TO_ANOTHER:  # it may be one browser's alone, that subscribed to an older key of ours
            return Failed(f"HTTP {status}: the push service does not take our key.")
        retry_after = retry_after_of(answer.headers.get("Retry-After"), self._clock.now())
        return outcome_of(status, answer.reason or "", retry_after=retry_after)

    def _may_be_called(self, endpoint: str) -> bool:
        """Whether it is a URL that is encrypted, and whose host, if it is an address, may be called."""
        try:
            url = urlsplit(endpoint)
            address = literal(url.hostname or "")
            port_is_one = url.port is None or url.port > 0
        except ValueError:
            return False
        secure = url.scheme == "https" or (url.scheme == "http" and self._allow_private)
        return (
            secure
            and _HOST.fullmatch(url.netloc) is not None
            and port_is_one
            and (address is None or self._allows(address))
        )

    def _allows(self, address: Address) -> bool:
        return is_public(address) or (self._allow_private and is_private(address))

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(limit=_AT_ONCE, resolver=GuardedResolver(self._allows))
            jar = aiohttp.DummyCookieJar()
            self._opened = aiohttp.ClientSession(connector=connector, timeout=self._timeout, cookie_jar=jar)
        return self._opened


def _payload(content: PushContent, message: Outgoing) -> bytes:
    """What the page's service worker gets; `tag` has browsers show the same notification once."""
    room = _MOST_BYTES - len((content.url or "").encode())
    title = shortened(content.title, room // 3)
    shown = {
        "title": title,
        "body": shortened(content.body, room - len(title.encode())),
        "url": content.url,
        "tag": str(message.message_id),
    }
    return json.dumps(shown, ensure_ascii=False).encode(errors="replace")


def _key(private_key: str) -> Any:  # noqa: ANN401 - py_vapid has no types
    try:
        if "-----BEGIN" in private_key:
            return Vapid02.from_pem(private_key.strip().encode())
        return Vapid02.from_string(private_key.strip())
    except (VapidException, ValueError, TypeError) as error:
        raise ValueError("The private key of Web Push is none.") from error
