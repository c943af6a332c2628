"""Connections to providers' servers: how long they are kept, and what for."""

import asyncio
import os
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from integration.gateway.provider_http.client import HttpClient, Timeouts
from integration.gateway.provider_http.errors import ConnectFailed, ConnectionBroken
from integration.gateway.provider_http.pool import ConnectionPool
from llmo_core.addresses import Address, resolve
from tests.integration.certificates import certified
from tests.integration.gateway.provider_http.raw_server import (
    AMPLE,
    OK,
    asked,
    http_client,
    origin_of,
    raw_server,
    soon,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_connection_is_used_again_after_a_whole_answer() -> None:
    async with raw_server(OK) as server, http_client() as client:
        for _ in range(3):
            assert await asked(client, server.url) == (200, b"hi")
        assert server.connections == 1


async def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    async with raw_server(OK) as server, http_client() as client:
        answers = [await client.request("POST", server.url, {}, b"", AMPLE) for _ in range(3)]
        assert [await answer.read() for answer in answers] == [b"hi"] * 3
        for answer in answers:
            answer.close()
            answer.close()
        assert server.connections == 3
        await asyncio.gather(*(asked(client, server.url) for _ in range(3)))
        assert server.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        OK + b"what is this",
    ],
)
async def test_a_connection_is_not_used_again_that_may_say_something_else(answer: bytes) -> None:
    async with raw_server(answer) as server, http_client() as client:
        for _ in range(2):
            assert await asked(client, server.url) == (200, b"hi")
        assert server.connections == 2


async def test_what_nobody_reads_to_its_end_ends_its_connection() -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhi"
    async with raw_server(half) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        answer.close()
        await asyncio.wait_for(server.ended.get(), 5)


async def test_a_call_that_is_cancelled_ends_its_connection() -> None:
    async with raw_server(b"") as server, http_client() as client:
        call = asyncio.create_task(asked(client, server.url))
        await asyncio.wait_for(server.arrived.get(), 5)
        call.cancel()
        await asyncio.wait_for(server.ended.get(), 5)
        assert call.cancelled()


async def test_a_connection_that_the_server_ended_meanwhile_is_not_used() -> None:
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"hello")
        writer.write(OK)
        await ended.wait()

    async with raw_server(handle=handle) as server, http_client() as client:
        assert await asked(client, server.url) == (200, b"hi")
        (kept,) = client._pool._idle[origin_of(server)]
        ended.set()
        async with asyncio.timeout(5):
            while not kept[0].lost:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
        assert await asked(client, server.url) == (200, b"hi")
        assert server.connections == 2


@pytest.mark.parametrize("unasked", [OK.replace(b"hi", b"no"), b"HTTP/1.1 408 Request Timeout\r\n\r\n", b""])
async def test_what_a_server_says_unasked_answers_no_call_that_comes_at_the_same_moment(unasked: bytes) -> None:
    accepted: list[socket.socket] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())))
        while await reader.readuntil(b"hello"):
            writer.write(OK)

    async with raw_server(handle=handle) as server, http_client() as client:
        assert await asked(client, server.url) == (200, b"hi")
        accepted[0].sendall(unasked)  # the loop sees nothing of it before the next call is sent
        if not unasked:
            accepted[0].shutdown(socket.SHUT_WR)
        assert await asked(client, server.url) == (200, b"hi")
        assert server.connections == 2
    for connection in accepted:
        connection.close()


async def test_no_exchange_begins_on_a_connection_that_is_lost() -> None:
    async with raw_server(OK) as server:
        pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"))
        connection = await pool.take(origin_of(server), ends=soon())
        connection.abort()
        await asyncio.wait_for(server.ended.get(), 5)
        with pytest.raises(ConnectionBroken):
            await asyncio.wait_for(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", b"", patience=60, ends=soon()), 5)
        pool.give_back(origin_of(server), connection)


async def test_what_is_closed_after_its_client_ends_its_connection() -> None:
    async with raw_server(OK) as server, http_client() as client:
        answer = await client.request("POST", server.url, {}, b"", AMPLE)
        assert await answer.read() == b"hi"
        client.close()
        answer.close()
        await asyncio.wait_for(server.ended.get(), 5)


async def test_a_connection_that_nothing_uses_is_ended() -> None:
    async with raw_server(OK) as server:
        pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"), idle_seconds=0.02)
        origin = origin_of(server)
        for _ in range(2):
            connection = await pool.take(origin, ends=soon())
            await connection.exchange(b"GET / HTTP/1.1\r\n\r\n", b"", patience=5, ends=soon())
            while await connection.piece(5):
                pass
            pool.give_back(origin, connection)
            await asyncio.wait_for(server.ended.get(), 5)
        assert server.connections == 2


async def test_certificates_are_checked(tmp_path: Path) -> None:
    server_tls, client_tls = certified("provider.test", tmp_path)
    async with raw_server(OK, tls=server_tls) as server:
        url = server.url.replace("127.0.0.1", "provider.test")

        async def find(_host: str, _port: int) -> Sequence[Address]:
            return [ip_address("127.0.0.1")]

        trusting, other = HttpClient(find, tls=lambda: client_tls), HttpClient(find)
        for _ in range(2):
            assert await asked(trusting, url) == (200, b"hi")
        assert server.connections == 1
        assert await asked(trusting, url.replace("provider.test", "provider.test.")) == (200, b"hi")
        for client, wrong in ((trusting, url.replace("provider.test", "evil.test")), (other, url)):
            with pytest.raises(ConnectFailed, match=r"(?i)certificate"):
                await asked(client, wrong)
        trusting.close()


async def test_a_server_that_breaks_the_handshake_off_cannot_be_reached() -> None:
    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with raw_server(handle=handle) as server, http_client() as client:
        with pytest.raises(ConnectFailed):
            await asked(client, server.url.replace("http:", "https:"), timeouts=Timeouts(1, 1, 1))
