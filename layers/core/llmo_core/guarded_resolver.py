"""Names for aiohttp, resolved once and only to addresses that may be called.

What was looked at is what is connected to: a name that changes its address meanwhile gains nothing.
"""

import socket
from collections.abc import Callable, Sequence
from typing import override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from llmo_core.addresses import Address, Resolve, resolve


class AddressRefused(aiohttp.ClientConnectionError):
    """A host has an address that is not called."""


class GuardedResolver(AbstractResolver):
    """Resolves names for a connector. aiohttp asks it for no host that is an address itself: look at those before.

    Args:
        allows: Whether an address may be called. A host is refused when one of its addresses is.
        resolve: Finds addresses.
    """

    def __init__(self, allows: Callable[[Address], bool], *, resolve: Resolve = resolve) -> None:
        self._allows = allows
        self._resolve = resolve

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The same, in aiohttp's words."""
        return [_result(host, port, address) for address in await self.addresses(host, port)]

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Every address of a host. Raises AddressRefused, and OSError for a name that has none."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        if not all(map(self._allows, addresses)):
            raise AddressRefused(f"{host} has an address that is not called")
        return addresses

    @override
    async def close(self) -> None:
        """Nothing is open."""


class Found(AbstractResolver):
    """Gives addresses that were found before, by a GuardedResolver."""

    def __init__(self, results: Sequence[ResolveResult]) -> None:
        self._results = results

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of the only host that it is asked for."""
        return [*self._results]

    @override
    async def close(self) -> None:
        """Nothing is open."""


def _result(host: str, port: int, address: Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,  # noqa: PLR2004 - of the internet protocol
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
