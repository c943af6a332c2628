"""The whole platform with RabbitMQ as its bus, on a broker that it starts itself."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.platform import Platform, ask, unique
from tests.e2e.stack import STORES, UPSTREAMS, Stack


@pytest.fixture(scope="module")
def on_rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    without = (*UPSTREAMS, *STORES, "RABBITMQ_URL")
    state = tmp_path_factory.mktemp("rabbitmq") / "state"
    stack = Stack(state, without=without, environment={"MESSAGE_BUS": "rabbitmq"})
    try:
        stack.start()
        yield stack
        stack.stop()
    finally:
        stack.kill()
        stack.clean()


@pytest_asyncio.fixture
async def platform(on_rabbitmq: Stack) -> AsyncIterator[Platform]:
    async with aiohttp.ClientSession() as http:
        platform = Platform(on_rabbitmq, http, on_rabbitmq.demo["api_key"])
        yield platform
        await platform.close()


async def test_a_call_is_in_the_reports_within_five_seconds(platform: Platform) -> None:
    key = await platform.make_key()

    await platform.client(key.text).chat.completions.create(model="gpt-4o-mini", messages=ask(unique()))

    report = await platform.usage_of(key, 1)
    assert report["totals"]["errors"] == 0


async def test_nothing_waits_in_an_outbox(platform: Platform) -> None:
    await platform.make_key()

    relayed = await platform.invoke("RelayFunction", {})

    assert (relayed["backlog"], relayed["unread"]) == (0, 0)


async def test_the_stack_says_which_bus_it_has_and_that_it_is_consumed(platform: Platform) -> None:
    assert "RabbitMQ (rabbitmq-server)" in platform.stack.said
    health = await platform.call("GET", "/_local/health", api_key=None)
    assert health.json()["status"] == "ok", health
