"""Which addresses the auth service calls for an identity provider, whatever a name or a document says."""

import ipaddress
from collections.abc import Sequence

import httpx2
import pytest

from auth.federation.outbound import PublicOnly, Refused
from llmo_core.addresses import Address, is_public

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",  # instance metadata
    "169.254.170.2",
    "0.0.0.0",  # noqa: S104 - nothing listens
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::8.8.8.8",  # what follows is outside 2000::/3, which alone is given out
    "::ffff:0:808:808",
    "64:ff9b:1::808:808",
    "100::1",
    "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "4000::1",
    "5f00::1",
    "8000::1",
    "fec0::1",
    "2001:db8::1",
    "2001::1",
]
PUBLIC = ["8.8.8.8", "140.82.121.4", "2606:4700:4700::1111", "2000::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def resolving(*addresses: str) -> PublicOnly:
    """A transport for whom every name has these addresses, and none is ever reached."""

    async def resolve(_: str, __: int) -> Sequence[Address]:
        return [ipaddress.ip_address(address) for address in addresses]

    return PublicOnly(loopback=False, resolve=resolve)


async def call(transport: PublicOnly, url: str) -> None:
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        await client.get(url)


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_the_internets_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_with_a_private_address_is_not_called_also_when_it_has_a_public_one(address: str) -> None:
    with pytest.raises(Refused):
        await call(resolving(address), "https://issuer.example/")
    with pytest.raises(Refused):
        await call(resolving("8.8.8.8", address), "https://issuer.example/")


async def test_a_public_address_is_not_called_without_tls() -> None:
    with pytest.raises(Refused):
        await call(resolving("8.8.8.8"), "http://issuer.example/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "https://[::1]:9/", "https://0x7f.1:9/"]
)
async def test_the_loopback_interface_is_not_called_where_it_is_not_allowed(url: str) -> None:
    with pytest.raises((Refused, httpx2.ConnectError)) as refused:
        await call(PublicOnly(loopback=False), url)
    assert isinstance(refused.value, Refused) or "no address" in str(refused.value)


async def test_where_the_loopback_interface_is_allowed_other_private_addresses_are_not() -> None:
    async def resolve(_: str, __: int) -> Sequence[Address]:
        return [ipaddress.ip_address("10.0.0.1")]

    with pytest.raises(Refused):
        await call(PublicOnly(loopback=True, resolve=resolve), "https://issuer.example/")
