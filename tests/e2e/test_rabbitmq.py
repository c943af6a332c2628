"""The whole platform with RabbitMQ as its bus, on a broker that it starts itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from tests.e2e.platform import Platform, ask, unique
from tests.e2e.stack import Stack, own_stack


@pytest.fixture(scope="module")
def on_rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp("rabbitmq") / "state"
    with own_stack(state, environment={"MESSAGE_BUS": "rabbitmq"}, without=("RABBITMQ_URL",)) as stack:
        yield stack
        stack.stop()


@pytest_asyncio.fixture(scope="module")
async def its_platform(on_rabbitmq: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Platform]:
    platform = Platform(on_rabbitmq, http, on_rabbitmq.demo["api_key"])
    yield platform
    await platform.close()


async def test_a_call_is_in_the_reports_within_five_seconds(its_platform: Platform) -> None:
    key = await its_platform.make_key()

    await its_platform.client(key.text).chat.completions.create(model="gpt-4o-mini", messages=ask(unique()))

    report = await its_platform.usage_of(key, 1)
    assert report["totals"]["errors"] == 0


async def test_a_deferred_call_is_answered_and_reported(its_platform: Platform) -> None:
    key = await its_platform.make_key()
    client = its_platform.client(key.text)
    body = {"model": "gpt-4o-mini", "messages": ask(unique())}

    taken = await its_platform.call("POST", "/v1/chat/completions", api_key=key.text, json=body, x_llmo_defer="true")
    async with asyncio.timeout(30):
        while (await client.batches.retrieve(taken.json()["id"])).status != "completed":  # noqa: ASYNC110 - as clients poll
            await asyncio.sleep(0.2)

    report = await its_platform.usage_of(key, 1, group_by="batch")
    assert [row["batch"] for row in report["data"]] == [taken.json()["id"]]


async def test_nothing_waits_in_an_outbox(its_platform: Platform) -> None:
    await its_platform.make_key()

    relayed = await its_platform.invoke("RelayFunction", {})

    assert (relayed["backlog"], relayed["unread"]) == (0, 0)


async def test_the_stack_says_which_bus_it_has_and_that_it_is_consumed(its_platform: Platform) -> None:
    assert "RabbitMQ (rabbitmq-server)" in its_platform.stack.said
    health = await its_platform.call("GET", "/_local/health", api_key=None)
    assert health.json()["status"] == "ok", health
