"""A stack of its own, which is restarted and robbed of its servers."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import aiohttp
import openai
import psutil
import pytest
import pytest_asyncio

from tests.e2e.platform import Platform, ask, unique
from tests.e2e.stack import Stack, own_stack

MODEL = "gpt-4o-mini"


@pytest.fixture(scope="module")
def robbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with own_stack(tmp_path_factory.mktemp("outages") / "state") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module")
async def own_platform(robbed: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Platform]:
    platform = Platform(robbed, http, robbed.demo["api_key"])
    yield platform
    await platform.close()


def kill(stack: Stack, server: str) -> None:
    process = psutil.Process(stack.pid_of(server))
    process.kill()
    process.wait(10)


async def test_a_restart_keeps_account_keys_usage_spend_and_cached_answers(own_platform: Platform) -> None:
    stack, question = own_platform.stack, unique()
    before = stack.demo
    key = await own_platform.make_key(monthly_budget_usd="0.02")
    made = await own_platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(question))
    totals = (await own_platform.usage_of(key, 1))["totals"]
    stack.stop()
    stack.start()
    assert {**stack.demo, "base_url": "", "openai_base_url": ""} == {**before, "base_url": "", "openai_base_url": ""}
    await own_platform.usage(key_id=key.id)  # the functions start, which is not what five seconds are for
    assert (await own_platform.usage_of(key, 1))["totals"] == totals
    again = await own_platform.client(key.text).chat.completions.with_raw_response.create(
        model=MODEL, messages=ask(question)
    )
    assert (again.headers["x-llmo-cache"], again.parse()) == ("hit", made)
    assert await own_platform.upstream_calls(question) == []
    totals = (await own_platform.usage_of(key, 2))["totals"]
    assert totals["saved_usd"] == totals["cost_usd"]
    assert Decimal(totals["cost_usd"]) > 0


async def test_without_mongodb_reports_are_refused_and_calls_are_still_made(own_platform: Platform) -> None:
    key = await own_platform.make_key()
    kill(own_platform.stack, "mongodb")
    answer = await own_platform.call("GET", "/api/v1/analytics/usage")
    assert answer.status == 503
    assert answer.problem()["type"]
    assert int(answer.headers["retry-after"]) >= 1
    made = await own_platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()))
    assert made.choices


async def test_without_redis_calls_are_refused_and_never_reach_the_provider(own_platform: Platform) -> None:
    key, question = await own_platform.make_key(), unique()
    client = own_platform.client(key.text)
    await client.chat.completions.create(model=MODEL, messages=ask(unique()))
    kill(own_platform.stack, "redis")
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError) as refusal:
            await client.chat.completions.create(model=MODEL, messages=ask(question), stream=stream)
        assert (refusal.value.status_code, refusal.value.code) == (503, "service_unavailable")
        assert int(refusal.value.response.headers["retry-after"]) >= 1
    assert await own_platform.upstream_calls(question) == []


async def test_a_stack_that_lost_a_server_says_so_and_still_stops_without_leaving_a_process(
    own_platform: Platform,
) -> None:
    stack = own_platform.stack
    kill(stack, "upstream")
    stack.stop()
    assert stack.said.rstrip().endswith("Stopped.")
    assert "The fake upstream has ended by itself" in stack.said
    assert "Traceback" not in stack.said
