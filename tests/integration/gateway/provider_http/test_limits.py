"""What servers cannot make the gateway do: wait longer than it wants to, or keep more than it has room for."""

import asyncio
from itertools import cycle

import pytest

from integration.gateway.destinations import Connection
from integration.gateway.errors import UpstreamBroken
from integration.gateway.provider_http.client import Timeouts
from integration.gateway.provider_http.errors import ConnectionBroken
from integration.gateway.sessions import Guard
from integration.gateway.upstream import Deployment, OpenAiUpstream
from integration.provider_addresses import AddressPolicy
from tests.integration.gateway.provider_http.raw_server import Handle, asked, http_client, raw_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

OK_LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK_LINE + b"transfer-encoding: chunked\r\n\r\n"
IN_ALL = Timeouts(5, 5, 0.05)


def drip(*pieces: bytes, seconds: float = 0.005) -> Handle:
    """Answers a request with the first pieces, and then with the last one for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"hello")
        *begin, last = pieces
        writer.write(b"".join(begin))
        for piece in cycle([last]):
            if writer.transport.is_closing():
                return
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return handle


@pytest.mark.parametrize(
    "pieces",
    [
        (OK_LINE, b"x: y\r\n"),
        (OK_LINE, b"x: ", b"y"),
        (b"HTTP/1.1 102 Processing\r\n\r\n",),
        (CHUNKED, b"1;", b"x"),
        (CHUNKED, b"0\r\n", b"x: y\r\n"),
        (CHUNKED, b"1\r\na\r\n"),
    ],
)
async def test_a_server_that_always_says_a_little_more_is_given_up_in_the_end(pieces: tuple[bytes, ...]) -> None:
    async with raw_server(handle=drip(*pieces)) as server, http_client() as client:
        call = asyncio.create_task(asked(client, server.url, timeouts=IN_ALL))
        (done, _) = await asyncio.wait([call], timeout=2)
        assert done, "it is still waited for"
        with pytest.raises(TimeoutError):
            await call


async def test_a_server_that_reads_slowly_is_given_up_in_the_end() -> None:
    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(256 * 1024):  # noqa: ASYNC110 - it takes its time
            await asyncio.sleep(0.005)

    async with raw_server(handle=handle) as server, http_client() as client:
        upload = client.request("POST", server.url, {}, bytes(512 * 1024 * 1024), IN_ALL)
        call = asyncio.create_task(upload)
        (done, _) = await asyncio.wait([call], timeout=2)
        assert done, "it is still waited for"
        with pytest.raises(TimeoutError):
            await call


@pytest.mark.parametrize(
    "pieces",
    [
        (OK_LINE, b"x: ", b"y" * 16_000),
        (OK_LINE, b"y" * 16_000),
        (OK_LINE[:-2], b"y" * 16_000),
        (b"HTTP/1.1 102 Processing\r\nx: " + b"y" * 16_000 + b"\r\n\r\n",),
        (CHUNKED, b"1;", b"x" * 16_000),
        (CHUNKED, b"1\r\na\r\n0\r\nx: ", b"y" * 16_000),
        (CHUNKED, b"1\r\na\r\n0\r\n", b"x: y\r\n" * 4_000),
    ],
)
async def test_no_server_fills_the_memory_with_what_is_no_body(pieces: tuple[bytes, ...]) -> None:
    async with raw_server(handle=drip(*pieces, seconds=0)) as server, http_client() as client:
        with pytest.raises(ConnectionBroken, match="too large"):
            await asyncio.wait_for(asked(client, server.url), 5)


class NoCredentials:
    """For a deployment whose organizations have no connections of their own."""

    async def key(self, _: Connection) -> str | None:
        return None


async def test_what_is_asked_for_and_too_large_ends_its_connection() -> None:
    large = OK_LINE + b"content-length: 20000000\r\n\r\n" + bytes(20_000_000)
    async with raw_server(large) as server, http_client() as client:
        upstream = OpenAiUpstream(
            client=client,
            guarded=lambda _: client,
            guard=Guard(AddressPolicy(private=True)),
            deployment=Deployment(server.url, "secret"),
            credentials=NoCredentials(),
        )
        with pytest.raises(UpstreamBroken) as kept:
            await upstream.ask("GET", "/batches", None)
        await asyncio.wait_for(server.ended.get(), 5)
        assert "too large" in str(kept.value)
