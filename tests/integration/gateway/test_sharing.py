"""Equal calls at the same time: one goes to the provider, and all get its answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.gateway.scripted import Scripted, scripted
from tests.integration.organizations import MakeOrg


@pytest_asyncio.fixture
async def slow(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider with the model `slow`, which answers when it is let go."""
    async with scripted("slow") as provider:
        await set_up.provider("one", provider.url)
        await set_up.model("slow", "one")
        provider.hold()
        yield provider
        provider.let_go()


@pytest.fixture
def client(platform: Platform, set_up: SetUp) -> AsyncOpenAI:
    return platform.client(set_up.org)


async def ask(client: AsyncOpenAI, **changes: Any) -> Any:
    """An answer with its headers."""
    return await client.chat.completions.with_raw_response.create(**{"model": "slow", "messages": HELLO, **changes})


async def test_twenty_equal_calls_at_once_are_one_for_the_provider_and_paid_once(
    platform: Platform, set_up: SetUp, client: AsyncOpenAI, slow: Scripted
) -> None:
    calls = [asyncio.create_task(ask(client, user=str(number))) for number in range(20)]
    await slow.until_called(1)
    await platform.until_following(19)
    slow.let_go()
    answers = await asyncio.gather(*calls)

    assert len(slow.calls) == 1
    assert len({answer.content for answer in answers}) == 1
    states = sorted(answer.headers["x-llmo-cache"] for answer in answers)
    assert states == ["hit"] * 19 + ["miss"]
    costs = sorted(event["data"]["cost_usd"] for event in platform.usage(set_up.org))
    assert costs == ["0"] * 19 + ["1"]


async def test_when_the_first_one_fails_the_others_ask_for_themselves(
    platform: Platform, client: AsyncOpenAI, slow: Scripted
) -> None:
    slow.then(500)
    calls = [asyncio.create_task(ask(client)) for _ in range(3)]
    await slow.until_called(1)
    await platform.until_following(2)
    slow.let_go()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert sum(isinstance(outcome, openai.InternalServerError) for outcome in outcomes) == 1
    assert len(slow.calls) == 3


APART: dict[str, dict[str, Any]] = {
    "no-store": {"extra_headers": {"x-llmo-cache": "no-store"}},
    "no-cache": {"extra_headers": {"x-llmo-cache": "no-cache"}},
    "stream": {"stream": True},
    "another question": {"messages": [{"role": "user", "content": "Something else"}]},
}


@pytest.mark.parametrize("apart", [*APART, "another project"])
async def test_calls_that_are_not_equal_do_not_wait_for_each_other(
    platform: Platform, client: AsyncOpenAI, make_org: MakeOrg, slow: Scripted, apart: str
) -> None:
    first = asyncio.create_task(ask(client))
    await slow.until_called(1)
    other, changes = client, APART.get(apart, {})
    if apart == "another project":
        elsewhere = SetUp(make_org.connection, platform.redis, await make_org())
        await elsewhere.provider("one", slow.url)
        await elsewhere.model("slow", "one")
        other = platform.client(elsewhere.org)
    second = asyncio.create_task(ask(other, **changes))
    await slow.until_called(2)
    slow.let_go()
    await asyncio.gather(first, second)


async def test_a_call_that_waited_counts_once_against_the_requests_per_minute(
    platform: Platform, set_up: SetUp, client: AsyncOpenAI, slow: Scripted
) -> None:
    await set_up.limit(requests_per_minute=2)
    slow.then(500)
    calls = [asyncio.create_task(ask(client)) for _ in range(2)]
    await slow.until_called(1)
    await platform.until_following(1)
    slow.let_go()
    await asyncio.gather(*calls, return_exceptions=True)

    assert len(slow.calls) == 2
    with pytest.raises(openai.RateLimitError):
        await ask(client, messages=[{"role": "user", "content": "A third one"}])


async def test_what_is_in_the_cache_by_then_is_the_answer_to_a_call_that_waited_in_vain(
    platform: Platform, set_up: SetUp, client: AsyncOpenAI, slow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.create_task(ask(client))
    await slow.until_called(1)

    async def in_vain(*_: object) -> None:
        slow.let_go()
        await first

    monkeypatch.setattr(platform.wired.following, "answer", in_vain)
    second = await ask(client)

    assert (second.headers["x-llmo-cache"], len(slow.calls)) == ("hit", 1)
    assert [event["data"]["cost_usd"] for event in platform.usage(set_up.org)] == ["1", "0"]


async def test_what_changed_while_a_call_waited_counts_for_it(
    platform: Platform, set_up: SetUp, client: AsyncOpenAI, slow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.create_task(ask(client))
    await slow.until_called(1)

    async def changed_meanwhile(*_: object) -> None:
        await set_up.policy(max_output_tokens=7)
        slow.let_go()
        await first

    monkeypatch.setattr(platform.wired.following, "answer", changed_meanwhile)
    second = await ask(client)

    assert second.headers["x-llmo-cache"] == "miss"
    assert slow.calls[-1]["max_completion_tokens"] == 7
