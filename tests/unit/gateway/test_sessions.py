"""Which addresses of customers' providers are connected to."""

import pytest

from integration.gateway.errors import AddressNotCalled
from integration.gateway.sessions import Guard
from integration.provider_addresses import AddressPolicy
from llmo_core.guarded_resolver import AddressRefused

PUBLIC, PRIVATE = "93.184.215.14", "127.0.0.1"


async def test_nobody_on_the_internet_is_called_without_tls() -> None:
    guard = Guard(AddressPolicy(private=True))

    assert await guard.resolver.resolve(PUBLIC, 443)
    assert await guard.plain_resolver.resolve(PRIVATE, 80)
    with pytest.raises(AddressRefused):
        await guard.plain_resolver.resolve(PUBLIC, 80)


async def test_private_addresses_are_called_where_the_deployment_allows_it() -> None:
    guard = Guard(AddressPolicy(private=False))

    for resolver in (guard.resolver, guard.plain_resolver):
        with pytest.raises(AddressRefused):
            await resolver.resolve(PRIVATE, 443)


@pytest.mark.parametrize("url", ["http://example.com/v1", f"http://{PUBLIC}/v1", f"https://{PRIVATE}/v1"])
def test_urls_are_looked_at_before_they_are_called(url: str) -> None:
    with pytest.raises(AddressNotCalled):
        Guard(AddressPolicy(private=False)).check(url)
