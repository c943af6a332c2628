"""HTTP to identity providers: public addresses only, no redirects, answers of one megabyte at most.

An issuer's documents say where to call next, so every call is held to this. A name is resolved once, and what was
looked at is what is connected to: a name that changes its address meanwhile gains nothing. Imported when a provider is
spoken with: httpx2 takes a while.
"""

import ssl
from collections.abc import Sequence
from functools import cache

import httpx2

from llmo_core.addresses import Address, Resolve, is_public, resolve

LARGEST_ANSWER_BYTES = 1_000_000
# Connections are pooled by address: one that was kept would serve another name, whose certificate nobody looked at.
_ONE_NAME = httpx2.Limits(max_keepalive_connections=0)


class Refused(httpx2.TransportError):
    """A call that is not made, or whose answer is not taken."""


class PublicOnly(httpx2.AsyncBaseTransport):
    """Calls public addresses over TLS and nothing else.

    Args:
        loopback: Allows the loopback interface too, also without TLS: a laptop's fake providers.
        resolve: Finds addresses.
        tls: Whose certificates are trusted; the usual ones when left out.
    """

    def __init__(self, *, loopback: bool, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._loopback = loopback
        self._resolve = resolve
        self._inner = httpx2.AsyncHTTPTransport(tls or _tls(), trust_env=False, limits=_ONE_NAME)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one call. Raises Refused, and what httpx2 raises."""
        host, tls = request.url.host, request.url.scheme == "https"
        try:
            addresses = await self._resolve(host, request.url.port or (443 if tls else 80))
        except OSError as error:
            raise httpx2.ConnectError(f"{host} has no address") from error
        if not addresses or not all(self._allowed(address, tls=tls) for address in addresses):
            raise Refused(f"{host} is not public, or is not called over TLS")
        return await _limited(await self._first(request, addresses))

    async def _first(self, request: httpx2.Request, addresses: Sequence[Address]) -> httpx2.Response:
        """The answer of the first of a host's addresses that can be connected to."""
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_pinned(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_pinned(request, addresses[-1]))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    def _allowed(self, address: Address, *, tls: bool) -> bool:
        if self._loopback and address.is_loopback:
            return True
        return tls and is_public(address)


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def _pinned(request: httpx2.Request, address: Address) -> httpx2.Request:
    """The same request to an address that was looked at."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=[*_without_encoding(request.headers), (b"accept-encoding", b"identity")],
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},  # whose certificate it must be
    )


def _without_encoding(headers: httpx2.Headers) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers.raw if name.lower() != b"accept-encoding"]


async def _limited(response: httpx2.Response) -> httpx2.Response:
    """The whole answer, unless it is too large or packed: what a small one unpacks to is not known."""
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Refused("the answer is packed")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                raise Refused("the answer is too large")
    finally:
        await response.aclose()
    return httpx2.Response(response.status_code, headers={"content-type": "application/json"}, content=body)
