"""Names whose addresses change between looking and connecting."""

from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from llmo_core.addresses import Address
from llmo_core.guarded_resolver import AddressRefused, GuardedResolver

ALLOWED, REFUSED = ip_address("127.0.0.1"), ip_address("127.0.0.2")


class Name:
    """A name that has other addresses each time."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self._answers = list(answers)

    async def resolve(self, _host: str, _port: int) -> Sequence[Address]:
        return self._answers.pop(0)


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server at the allowed address that ends each connection with its answer."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="reached", headers={"connection": "close"})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def ask(name: Name, port: int, times: int) -> list[str]:
    """What is answered by a name that is looked up each time."""
    resolver = GuardedResolver(lambda address: address == ALLOWED, resolve=name.resolve)
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        answers = []
        for _ in range(times):
            async with session.get(f"http://rebinding.example:{port}/") as response:
                answers.append(await response.text())
        return answers


async def test_what_is_connected_to_is_what_was_looked_at(port: int) -> None:
    # A second look at the name would find an address where nobody listens.
    assert await ask(Name([ALLOWED]), port, 1) == ["reached"]


async def test_a_name_that_leads_elsewhere_the_next_time_is_refused_then(port: int) -> None:
    with pytest.raises(AddressRefused):
        await ask(Name([ALLOWED], [REFUSED]), port, 2)


@pytest.mark.parametrize("addresses", [[REFUSED], [ALLOWED, REFUSED], [REFUSED, ALLOWED]])
async def test_one_address_that_is_not_allowed_is_enough(port: int, addresses: list[Address]) -> None:
    with pytest.raises(AddressRefused):
        await ask(Name(addresses), port, 1)


async def test_a_name_without_addresses_cannot_be_reached(port: int) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(Name([]), port, 1)
