"""What is an address, and what only looks like one."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from llmo_core.addresses import is_private, literal

HOSTS = {
    "api.openai.com": None,
    "8.8.8.8": IPv4Address("8.8.8.8"),
    "::1": IPv6Address("::1"),
    "a.1b": None,
    "1.example": None,
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert literal(host) == HOSTS[host]


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "1.2.3.4.5", "a.0x", "fe80::1%eth0", ":::", "127.0.0.1."]
)
def test_what_resolvers_read_differently_is_neither(host: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        literal(host)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "::1", "fd12::1"])
def test_a_private_networks_addresses_are_private(text: str) -> None:
    assert is_private(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "169.254.169.254",
        "fd00:ec2::254",
        "fe80::1",
        "0.0.0.0",  # noqa: S104 - nothing listens
        "::",
        "224.0.0.1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "192.0.2.1",
    ],
)
def test_neither_the_internets_nor_a_clouds_own_addresses_are(text: str) -> None:
    assert not is_private(ip_address(text))


def test_an_address_in_another_notation_is_what_it_stands_for() -> None:
    for text in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"):
        assert is_private(ip_address(text))
