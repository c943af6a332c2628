"""Addresses and networks as their bits, against the standard library."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmo_auth.networks import NOWHERE, address_bits, network_bits, within

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="2000::/3"))


@st.composite
def networks(draw: st.DrawFn) -> IPv4Network | IPv6Network:
    address = draw(ADDRESSES)
    return ip_network((address, draw(st.integers(0, address.max_prefixlen))), strict=False)


@given(address=ADDRESSES, network=networks())
def test_an_address_begins_with_the_bits_of_a_network_when_it_is_in_it(
    address: object, network: IPv4Network | IPv6Network
) -> None:
    inside = ip_address(str(address)) in network
    assert within([network_bits(str(network))], address_bits(str(address))) is inside
    assert within([network_bits(str(network))], address_bits(str(network[-1])))


def test_an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() -> None:
    assert address_bits("::ffff:192.0.2.1") == address_bits("192.0.2.1")


@pytest.mark.parametrize("text", ["", "unknown", "192.0.2.1:443", "192.0.2.256", "fe80::1%eth0x" * 9, "1.2.3"])
def test_what_is_no_address_is_in_no_network(text: str) -> None:
    assert address_bits(text) == NOWHERE
    assert not within([network_bits("0.0.0.0/0"), network_bits("::/0")], address_bits(text))
    assert within(None, address_bits(text))


@pytest.mark.parametrize("text", ["", "192.0.2.1/24", "192.0.2.0/33", "everywhere"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        network_bits(text)
