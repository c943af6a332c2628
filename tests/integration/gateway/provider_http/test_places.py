"""So many calls go on at the same time, and no more."""

import asyncio

import pytest

from integration.gateway.provider_http.connection import HttpConnection
from integration.gateway.provider_http.errors import ConnectFailed
from integration.gateway.provider_http.pool import ConnectionPool, Origin
from llmo_core.addresses import resolve
from tests.integration.gateway.provider_http.raw_server import OK, origin_of, raw_server, soon

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_more_calls_than_connections_wait_for_each_other() -> None:
    async with raw_server(OK) as server:
        pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"), most=1)
        origin = origin_of(server)
        first = await pool.take(origin, ends=soon())
        second: asyncio.Task[HttpConnection] = asyncio.create_task(pool.take(origin, ends=soon()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not second.done()
        pool.give_back(origin, first)
        pool.give_back(origin, await asyncio.wait_for(second, 5))
        pool.close()


async def test_a_call_waits_for_a_connection_no_longer_than_for_all_of_its_answer() -> None:
    async with raw_server(OK) as server:
        pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"), most=1)
        origin = origin_of(server)
        first = await pool.take(origin, ends=soon())
        with pytest.raises(TimeoutError):
            await pool.take(origin, ends=soon(0.01))
        pool.give_back(origin, first)
        pool.give_back(origin, await asyncio.wait_for(pool.take(origin, ends=soon()), 5))
        pool.close()


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_call_that_is_cancelled_when_its_turn_comes_leaves_its_place_to_the_next(
    *, cancelled_first: bool
) -> None:
    async with raw_server(OK) as server:
        pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"), most=1)
        origin = origin_of(server)
        first = await pool.take(origin, ends=soon())
        second, third = (asyncio.create_task(pool.take(origin, ends=soon())) for _ in range(2))
        await asyncio.sleep(0)
        if cancelled_first:
            second.cancel()
        pool.give_back(origin, first)
        second.cancel()
        pool.give_back(origin, await asyncio.wait_for(third, 5))
        assert second.cancelled()
        pool.give_back(origin, await asyncio.wait_for(pool.take(origin, ends=soon()), 5))
        pool.close()


async def test_a_place_is_free_again_when_nothing_can_be_connected() -> None:
    pool = ConnectionPool(resolve, tls=lambda: pytest.fail("nobody speaks TLS here"), most=1)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            await asyncio.wait_for(pool.take(Origin(tls=False, host="127.0.0.1", port=9), ends=soon()), 5)
