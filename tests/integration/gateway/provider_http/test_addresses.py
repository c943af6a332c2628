"""Whom connections to providers' servers go to."""

import asyncio
import gc
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from integration.gateway.provider_http.client import HttpClient
from integration.gateway.provider_http.errors import ConnectFailed
from llmo_core.addresses import Address, resolve
from llmo_core.guarded_resolver import AddressRefused, GuardedResolver
from tests.integration.gateway.provider_http.raw_server import (
    OK,
    asked,
    http_client,
    raw_server,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def found(*addresses: str) -> HttpClient:
    """A client for which every name has these addresses."""

    async def find(_host: str, _port: int) -> Sequence[Address]:
        return [*map(ip_address, addresses)]

    return HttpClient(find)


async def test_the_next_address_is_tried_where_nobody_listens() -> None:
    async with raw_server(OK) as server:
        client = found("127.0.0.2", "127.0.0.1")
        assert await asked(client, server.url.replace("127.0.0.1", "provider.test")) == (200, b"hi")
        client.close()


async def test_a_name_without_addresses_cannot_be_reached() -> None:
    with pytest.raises(ConnectFailed):
        await asked(found(), "http://provider.test/v1")


async def test_calls_at_the_same_time_look_a_name_up_once() -> None:
    asked_for: list[str] = []
    answered = asyncio.Event()

    async def find(host: str, _port: int) -> Sequence[Address]:
        asked_for.append(host)
        await answered.wait()
        return [ip_address("127.0.0.1")]

    async with raw_server(OK) as server:
        client, url = HttpClient(find), server.url.replace("127.0.0.1", "provider.test")
        gone, *calls = (asyncio.create_task(asked(client, url)) for _ in range(3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        answered.set()
        assert await asyncio.gather(*calls) == [(200, b"hi")] * 2
        assert asked_for == ["provider.test"]
        await asked(client, url.replace("provider", "another"))
        assert asked_for == ["provider.test", "another.test"]
        client.close()


async def test_a_lookup_that_fails_when_all_have_gone_is_nobody_s_mistake() -> None:
    mistakes: list[object] = []
    failed = asyncio.Event()

    async def find(_host: str, _port: int) -> Sequence[Address]:
        await failed.wait()
        raise OSError("no such name")

    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    client = HttpClient(find)
    gone = asyncio.create_task(asked(client, "http://provider.test/"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    failed.set()
    with pytest.raises(ConnectFailed):
        await asked(client, "http://provider.test/")
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert mistakes == []


@pytest.mark.parametrize("host", ["provider..test", f"{'a' * 64}.test", "[fe80::1%25lo]"])
async def test_what_is_no_name_cannot_be_reached(host: str) -> None:
    async with http_client() as client:
        with pytest.raises(ConnectFailed):
            await asked(client, f"http://{host}/v1")


async def test_no_connection_goes_to_an_address_that_is_refused() -> None:
    async with raw_server(OK) as server:
        resolver = GuardedResolver(lambda address: not address.is_loopback, resolve=resolve)
        client = HttpClient(resolver.addresses)
        for host in ("localhost", "127.0.0.1", "127.0.0.\N{FULLWIDTH DIGIT ONE}", "127.1", "0x7f000001"):
            with pytest.raises(AddressRefused):
                await asked(client, server.url.replace("127.0.0.1", host))
        assert server.connections == 0
