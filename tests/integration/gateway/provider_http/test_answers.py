"""What the gateway's HTTP client makes of what servers send."""

import asyncio
import gzip
import zlib

import pytest

from integration.gateway.provider_http.body import MOST_WAITING_BYTES
from integration.gateway.provider_http.client import Timeouts
from integration.gateway.provider_http.errors import ConnectionBroken
from tests.integration.gateway.provider_http.raw_server import AMPLE, OK, asked, http_client, raw_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SILENT = Timeouts(0.05, 0.05, 5)


def gzipped(content: bytes) -> bytes:
    """Compressed alike at every second: tests are named by it."""
    return gzip.compress(content, mtime=0)


def whole(body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *fields, b"content-length: %d" % len(body), b"", b"")) + body


async def test_a_request_says_what_servers_need_to_know() -> None:
    async with raw_server(OK) as server, http_client() as client:
        await asked(client, f"{server.url}?api-version=1")
        (request,) = server.requests
    head, body = request.split(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /v1/chat/completions?api-version=1 HTTP/1.1"
    assert f"host: {server.url.split('/')[2]}" in fields
    assert {"content-type: text/plain", "content-length: 5", "accept: */*", "user-agent: LLMOptimizer"} < {*fields}
    assert body == b"hello"


async def test_a_post_without_a_body_says_that_it_has_none_and_a_get_does_not() -> None:
    async with raw_server(OK) as server, http_client() as client:
        for method in ("POST", "GET"):
            (await client.request(method, server.url, {}, None, AMPLE)).close()
        post, get = server.requests
    assert b"content-length: 0\r\n" in post
    assert b"content-length" not in get


@pytest.mark.parametrize(
    ("writes", "body"),
    [
        ((OK,), b"hi"),
        (tuple(OK[at : at + 1] for at in range(len(OK))), b"hi"),
        ((b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", OK), b"hi"),
        ((CHUNKED + b"2;ext=1\r\nhi\r\n", b"3\r\n you\r\n0\r\ntrailer: 1\r\n\r\n"), None),
        ((CHUNKED + b"2\r\nhi\r\n", b"4\r\n you\r\n0\r\n\r\n"), b"hi you"),
        ((whole(gzipped(b"hi" * 9), b"content-encoding: gzip"),), b"hi" * 9),
        ((whole(zlib.compress(b"hi" * 9), b"Content-Encoding: deflate"),), b"hi" * 9),
        ((whole(gzipped(b"hi"), b"content-encoding: GZIP"),), b"hi"),
        ((whole(gzipped(b"hi"), b"content-encoding: gzip")[:-3], gzipped(b"hi")[-3:]), b"hi"),
        ((whole(b"hi", b"upgrade: h2,h2c", b"connection: upgrade"),), b"hi"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nhi",), b"hi"),
        ((whole(b""),), b""),
    ],
)
async def test_every_framing_is_understood(writes: tuple[bytes, ...], body: bytes | None) -> None:
    async with raw_server(*writes) as server, http_client() as client:
        if body is None:  # "3" announces less than " you": no HTTP any more
            with pytest.raises(ConnectionBroken):
                await asked(client, server.url)
        else:
            assert await asked(client, server.url) == (200, body)


async def test_an_answer_of_no_stated_length_ends_with_its_connection() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"hello")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with raw_server(handle=handle) as server, http_client() as client:
        assert await asked(client, server.url) == (200, b"all of it")


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-length : 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\nhalf",
        CHUNKED + b"9\r\nhalf",
        CHUNKED + b"4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzipped(b"hi" * 99)[:20],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: %s\r\n" % (b"a" * 1_000) * 70 + b"\r\n",
        whole(b"hi", b"content-encoding: br"),
        whole(b"no gzip", b"content-encoding: gzip"),
        whole(gzipped(b"hi") + gzipped(b" you"), b"content-encoding: gzip"),
        whole(gzipped(bytes(64 * 1024 * 1024)), b"content-encoding: gzip"),
    ],
)
async def test_what_breaks_off_or_is_no_http_is_no_answer(cut: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"hello")
        writer.write(cut)
        await writer.drain()

    async with raw_server(handle=handle) as server, http_client() as client:
        with pytest.raises(ConnectionBroken):
            await asked(client, server.url)


async def test_what_came_before_a_fault_is_read_first() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"4\r\nhalf\r\n")

    async with raw_server(handle=handle) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        pieces = answer.pieces()
        assert await anext(pieces) == b"half"
        with pytest.raises(ConnectionBroken):
            await anext(pieces)
        answer.close()


@pytest.mark.parametrize("writes", [(b"",), (b"HTTP/1.1 200 OK\r\n",), (OK[:-1],), (CHUNKED + b"2\r\nhi\r\n",)])
async def test_a_server_that_falls_silent_is_given_up_and_its_connection_ended(writes: tuple[bytes, ...]) -> None:
    async with raw_server(*writes) as server, http_client() as client:
        with pytest.raises(TimeoutError):
            await asked(client, server.url, timeouts=SILENT)
        await asyncio.wait_for(server.ended.get(), 5)


async def test_an_answer_that_never_ends_is_given_up_in_the_end() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        while not writer.transport.is_closing():
            writer.write(b"1\r\na\r\n")
            await asyncio.sleep(0.005)

    async with raw_server(handle=handle) as server, http_client() as client:
        with pytest.raises(TimeoutError):
            await asked(client, server.url, timeouts=Timeouts(5, 5, 0.05))


async def test_a_reader_that_takes_its_time_is_sent_no_more_than_it_takes() -> None:
    size, block = 8 * 1024 * 1024, 64 * 1024

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _block in range(size // block):
            writer.write(bytes(block))
            await writer.drain()

    async with raw_server(handle=handle) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        taken = []
        async for piece in answer.pieces():
            taken.append(len(piece))
            for _ in range(50):
                await asyncio.sleep(0)
        answer.close()
    assert sum(taken) == size
    assert max(taken) <= 3 * MOST_WAITING_BYTES


async def test_what_follows_the_body_is_no_header() -> None:
    trailed = CHUNKED + b"2\r\nhi\r\n0\r\nretry-after: 9\r\n\r\n"
    async with raw_server(trailed) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        assert await answer.read() == b"hi"
        assert "retry-after" not in answer.headers
        answer.close()


async def test_what_is_closed_is_not_taken_for_an_answer_that_ended() -> None:
    async with raw_server(CHUNKED + b"2\r\nhi\r\n") as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        answer.close()
        with pytest.raises(ConnectionBroken):
            await answer.read()


async def test_headers_of_ones_own_replace_those_that_are_always_sent() -> None:
    async with raw_server(OK) as server, http_client() as client:
        own = {"user-agent": "mine", "accept": "text/plain"}
        (await client.request("POST", server.url, own, b"", AMPLE)).close()
        fields = server.requests[0].split(b"\r\n")
    said = [field for field in fields if field.startswith((b"user-agent", b"accept"))]
    assert sorted(said) == [b"accept: text/plain", b"user-agent: mine"]


async def test_a_large_body_is_sent_whole() -> None:
    body = bytes(range(256)) * 20_000
    async with raw_server(OK) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, body, AMPLE)
        assert await answer.read() == b"hi"
        answer.close()
    assert server.requests[0].endswith(body)


async def test_an_answer_that_begins_early_takes_nothing_from_the_body() -> None:
    body = bytes(16 * 1024 * 1024)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        await reader.readexactly(len(body))
        writer.write(b"2\r\nhi\r\n0\r\n\r\n")

    async with raw_server(handle=handle) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, body, Timeouts(1, 1, 5))
        assert (answer.status, await answer.read()) == (200, b"hi")
        answer.close()


async def test_an_answer_to_half_a_body_is_an_answer_and_the_last_one_on_its_connection() -> None:
    done = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await done.wait()

    async with raw_server(handle=handle) as server, http_client() as client:
        for _ in range(2):
            answer = await client.request("POST", server.url, {}, bytes(32 * 1024 * 1024), AMPLE)
            assert (answer.status, await answer.read()) == (413, b"")
            answer.close()
        done.set()
        assert server.connections == 2


@pytest.mark.parametrize("fields", [{"x": "a\r\nauthorization: b"}, {"x\ny": "a"}, {"x": "a\rb"}, {"x": "a\0"}])
async def test_no_header_brings_another_one_with_it(fields: dict[str, str]) -> None:
    async with raw_server(OK) as server, http_client() as client:
        with pytest.raises(ValueError, match="header"):
            await client.request("POST", server.url, fields, b"", AMPLE)
    assert server.connections == 0


@pytest.mark.parametrize("url", ["ftp://example.com/", "/v1/models", "http:///v1"])
async def test_only_urls_of_http_are_asked(url: str) -> None:
    async with http_client() as client:
        with pytest.raises(ValueError, match="URL"):
            await client.request("GET", url, {}, None, AMPLE)
