"""Calls to identity providers over real HTTP."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from aiohttp import web

from auth.federation.outbound import LARGEST_ANSWER_BYTES, PublicOnly, Refused
from llmo_core.addresses import Address
from tests.fakes.serving import serving
from tests.integration.certificates import certified


async def loopback(_: str, __: int) -> Sequence[Address]:
    """The one look at a name's addresses, at the first of which nobody listens."""
    return [ipaddress.ip_address("127.0.0.66"), ipaddress.ip_address("127.0.0.1")]


async def post(url: str) -> httpx2.Response:
    transport = PublicOnly(loopback=True, resolve=loopback)
    async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
        return await client.post(url)


async def test_the_address_that_was_looked_at_is_called_under_the_name_of_its_host() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"host": request.host, "packed": request.headers["accept-encoding"]})

    async with serving(answer) as url:
        port = url.rpartition(":")[2]
        answered = (await post(f"http://issuer.test:{port}/")).json()
    assert answered == {"host": f"issuer.test:{port}", "packed": "identity"}


@pytest.mark.parametrize(("size", "taken"), [(LARGEST_ANSWER_BYTES, True), (LARGEST_ANSWER_BYTES + 1, False)])
async def test_an_answer_is_of_one_megabyte_at_most(size: int, *, taken: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * size)

    async with serving(answer) as url:
        if taken:
            assert len((await post(url)).content) == size
            return
        with pytest.raises(Refused, match="large"):
            await post(url)


async def test_a_packed_answer_is_refused_whatever_is_in_it() -> None:
    async def answer(_: web.Request) -> web.Response:
        packed = web.Response(body=b"x" * 1000)
        packed.enable_compression(web.ContentCoding.gzip, strategy=0)
        return packed

    async with serving(answer) as url:
        with pytest.raises(Refused, match="packed"):
            await post(url)


async def test_a_certificate_is_looked_at_for_each_name_although_both_are_at_one_address(tmp_path: Path) -> None:
    server, client = certified("issuer.example", tmp_path)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    await site.start()
    port = runner.addresses[0][1]
    transport = PublicOnly(loopback=True, resolve=loopback, tls=client)
    async with httpx2.AsyncClient(transport=transport) as http:
        assert (await http.get(f"https://issuer.example:{port}/")).status_code == 200
        with pytest.raises(httpx2.ConnectError, match="not valid for"):
            await http.get(f"https://other.example:{port}/")
    await runner.cleanup()
