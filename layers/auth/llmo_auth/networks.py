"""Networks that an API key may be used from, in a form that is compared by its beginning.

An address is written as its family and its bits, `4:1100…`; a network as the bits that its addresses share. The same
text serves PostgreSQL's rows, the gateway's Redis script and the authorizer.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

NOWHERE = ""
"""The address of a caller whose address is not known: it is in no network."""


@lru_cache(maxsize=1024)
def address_bits(text: str) -> str:
    """An IPv4 or IPv6 address as its family and bits, or NOWHERE when it is none.

    An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return NOWHERE
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return _bits(address)


def network_bits(text: str) -> str:
    """A network in CIDR notation as its family and the bits of its prefix. Raises ValueError for anything else."""
    network = ip_network(text)
    return _bits(network.network_address)[: 2 + network.prefixlen]


def within(networks: Sequence[str] | None, address: str) -> bool:
    """Whether an address is in one of these networks, both as bits; None are no networks to be in."""
    return networks is None or (address != NOWHERE and address.startswith(tuple(networks)))


def _bits(address: IPv4Address | IPv6Address) -> str:
    return f"{address.version}:{int(address):0{address.max_prefixlen}b}"
