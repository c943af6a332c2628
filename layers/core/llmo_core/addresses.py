"""Addresses of the network: which are the internet's, and which no service of ours ever calls for a customer.

Sources: the registries of special-purpose addresses (RFC 6890, as `ipaddress` knows them), RFC 4291 (2.4), RFC 6052.
"""

import asyncio
import errno
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds every address of a host, for a port. Raises OSError."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, section 2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_OF_A_PRIVATE_NETWORK: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"),
    )
)
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
_OF_THE_PLATFORM = IPv6Network("fd00:ec2::/32")
LOOKUP_SECONDS = 3.0
# A thread may be held for 20 s: resolv.conf(5) has five seconds, twice, for each of two name servers. So 32 callers
# that turn to the next name after LOOKUP_SECONDS hold 214 at most.
_LOOKUPS_AT_ONCE = 256
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def is_public(address: Address) -> bool:
    """Whether an address is of the internet at large, as are the IPv4 addresses that one of IPv6 stands for."""
    inner = _meant(address)
    if inner is not address:
        return is_public(inner)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def is_private(address: Address) -> bool:
    """Whether an address is this machine's or a private network's: what somebody may run a server of their own on.

    Neither link-local addresses nor others that a cloud answers for its machines (metadata, credentials) are.
    """
    address = _meant(address)
    if address in _OF_THE_PLATFORM:
        return False
    return any(address in network for network in _OF_A_PRIVATE_NETWORK)


def literal(host: str) -> Address | None:
    """The address that a URL's host is, without brackets; None when the host is a name.

    Raises ValueError for what some resolvers take for an address and others do not: `0x7f.1`, `2130706433`,
    `127.1`, `fe80::1%eth0`.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("a zone is of one machine only")
        return IPv6Address(host)
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return IPv4Address(host)
    return None


class LookupsBusy(OSError):
    """So many other names are looked up that this one's turn does not come; its own name servers were not asked."""


class Lookups:
    """Looks names up by the machine's resolver, on threads of their own: slow name servers hold nothing else up.

    A thread is held until the machine's resolver gives up, which may be well after nobody waits for it any more. So
    there are many of them, and a name's time begins when it has one.

    Args:
        threads: As many names are looked up at the same time.
        seconds: How long a name may take, and how long it may wait for its turn before that.
        getaddrinfo: The machine's resolver, as `socket.getaddrinfo`.
    """

    def __init__(
        self,
        *,
        threads: int = _LOOKUPS_AT_ONCE,
        seconds: float = LOOKUP_SECONDS,
        getaddrinfo: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lookup")
        self._seconds = seconds
        self._getaddrinfo = getaddrinfo

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Every address of a host. Raises LookupsBusy, TimeoutError and whatever else is an OSError."""
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def look_up() -> Sequence[tuple[object, ...]]:
            loop.call_soon_threadsafe(begun.set)
            try:
                return self._getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (
                UnicodeError
            ) as error:  # from Python, which asks the resolver for no label without letters or with 64
                raise socket.gaierror(socket.EAI_NONAME, f"{host} is no name") from error

        lookup = self._threads.submit(look_up)
        try:
            await self._turn(begun)
            async with asyncio.timeout(self._seconds):
                found = await asyncio.wrap_future(lookup)
        except TimeoutError as error:
            # With a number it is, for aiohttp, a name without addresses, and not a receiver that does not answer.
            raise TimeoutError(errno.ETIMEDOUT, f"{host} is not resolved in time") from error
        finally:
            lookup.cancel()  # one that has not begun never does
        return [ip_address(str(entry[4][0])) for entry in found]  # type: ignore[index] # socket's own types say less

    async def _turn(self, begun: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await begun.wait()
        except TimeoutError as error:
            raise LookupsBusy(errno.EAGAIN, "too many names are looked up") from error


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address of a host, by the machine's resolver. Raises LookupsBusy, TimeoutError and other OSErrors."""
    return await _lookups().resolve(host, port)


@cache
def _lookups() -> Lookups:
    return Lookups()


def _meant(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for; any other address as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
