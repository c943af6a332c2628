"""Whom the gateway calls: AWS over a session of aiohttp, and no provider whose address its customers may not call."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from integration.gateway.errors import AddressNotCalled
from integration.provider_addresses import AddressPolicy
from llmo_core.addresses import literal
from llmo_core.guarded_resolver import GuardedResolver
from llmo_core.kms import Post

_CONNECTIONS: Final = 1000
_KEEPALIVE_SECONDS: Final = 60
_KEY_SERVICE: Final = aiohttp.ClientTimeout(total=5)


def open_session() -> aiohttp.ClientSession:
    """A session on the running loop."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


class Guard:
    """Looks at the URLs of customers' providers before they are called.

    Attributes:
        resolver: Finds the addresses of hosts that are called over TLS.
        plain_resolver: Of those that are called without: none on the internet, where everybody could read API keys.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._check = lru_cache(maxsize=4096)(self._look_at)
        self.resolver = GuardedResolver(lambda address: policy.allows(address, tls=True))
        self.plain_resolver = GuardedResolver(lambda address: policy.allows(address, tls=False))

    def check(self, url: str) -> None:
        """Raise AddressNotCalled for a URL without TLS, or whose host is an address that is not called."""
        if not self._check(url):
            raise AddressNotCalled

    def _look_at(self, url: str) -> bool:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        try:
            address = literal(parts.hostname or "")
        except ValueError:
            return False
        return self._policy.allows(address, tls=tls) if address is not None else tls or self._policy.private


def post(session: Callable[[], aiohttp.ClientSession]) -> Post:
    """Posts for llmo_core.kms, over this session."""

    async def send(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            async with session().post(url, data=body, headers=headers, timeout=_KEY_SERVICE) as response:
                return response.status, await response.read()
        except aiohttp.ClientError as error:
            raise OSError(str(error)) from error

    return send
