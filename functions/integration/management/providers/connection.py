"""Asking a provider for its models, to see whether it answers; imported when one is asked.

What comes back is nothing but a status, a count and our own words: a test reads nobody's pages to anybody.
"""

import json
import ssl
import time
from collections.abc import Callable

import aiohttp
from yarl import URL

from integration.management.providers.models import ConnectionTest, Provider
from integration.management.providers.problems import NO_LIST, TooLarge, of_failure, of_status
from integration.provider_addresses import AddressPolicy
from llmo_core.addresses import Resolve, literal, resolve
from llmo_core.guarded_resolver import AddressRefused, GuardedResolver
from llmo_core.observability import logger

LARGEST_ANSWER_BYTES = 1_000_000
_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5, sock_read=5)
_OK = 200


class ModelLists:
    """Asks providers for their models: one call, no redirects, five seconds a step and ten in all, one megabyte.

    Args:
        policy: Which addresses are called.
        resolve: Finds addresses.
        tls: Whose certificates are trusted; the usual ones when left out.
        timer: Seconds that only go forward.
        timeout: Of the call.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        timer: Callable[[], float] = time.perf_counter,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls = tls
        self._timer = timer
        self._timeout = timeout

    async def test(self, provider: Provider, api_key: str | None) -> ConnectionTest:
        """Make one call. Whatever goes wrong is in what it gives."""
        started = self._timer()
        status: int | None = None
        models: int | None = None
        try:
            status, body = await self._ask(provider, api_key)
            problem = of_status(status, lists_models=provider.rules.lists_models)
            if problem is None:
                models = _count(body)
                problem = None if models is not None else NO_LIST
        except (aiohttp.ClientError, TimeoutError, TooLarge) as error:
            problem = of_failure(error)
        tested = ConnectionTest(
            ok=problem is None,
            status=status,
            latency_ms=round((self._timer() - started) * 1000),
            models_count=models,
            problem=problem,
        )
        logger().info("provider tested", extra={"provider_id": str(provider.id), "ok": tested.ok, "status": status})
        return tested

    async def _ask(self, provider: Provider, api_key: str | None) -> tuple[int, bytes]:
        url = URL(f"{provider.base_url}/models{provider.rules.query(provider.api_version)}", encoded=True)
        secure = url.scheme == "https"
        address = literal(url.host or "")
        if address is not None and not self._policy.allows(address, tls=secure):
            raise AddressRefused(str(address))
        resolver = GuardedResolver(lambda found: self._policy.allows(found, tls=secure), resolve=self._resolve)
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, force_close=True, ssl=self._tls if self._tls is not None else True
        )
        headers = {
            **provider.rules.request_headers(api_key, provider.headers),
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            return response.status, await _limited(response)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """The body of a success; of any other answer nothing is read."""
    if response.status != _OK:
        return b""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise TooLarge
    return bytes(body)


def _count(body: bytes) -> int | None:
    """How many models a list has; None when it is no list. Some providers leave out the object around it."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    models = answer.get("data") if isinstance(answer, dict) else answer
    return len(models) if isinstance(models, list) else None
