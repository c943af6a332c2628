"""Many calls at once."""

import asyncio
from decimal import Decimal

from openai.types import CompletionUsage

from tests.e2e.platform import Key, Platform, ask, unique
from tests.e2e.prices import cost

MODEL = "gpt-4o-mini"
CALLS = 40


async def test_forty_plain_and_streamed_calls_at_once_all_succeed_and_add_up_exactly(
    platform: Platform, key: Key
) -> None:
    client = platform.client(key.text)

    async def plain(number: int) -> CompletionUsage | None:
        question = unique(f"[[chunks={number + 1}]] [[pace=0.01]]")
        return (await client.chat.completions.create(model=MODEL, messages=ask(question))).usage

    async def streamed(number: int) -> CompletionUsage | None:
        question = unique(f"[[chunks={number + 1}]] [[pace=0.01]]")
        stream = await client.chat.completions.create(
            model=MODEL, messages=ask(question), stream=True, stream_options={"include_usage": True}
        )
        return [chunk async for chunk in stream][-1].usage

    usages = await asyncio.gather(*((streamed if number % 2 else plain)(number) for number in range(CALLS)))
    known = [usage for usage in usages if usage is not None]
    assert [usage.completion_tokens for usage in known] == list(range(1, CALLS + 1))
    totals = (await platform.usage_of(key, CALLS))["totals"]
    assert totals["errors"] == totals["cache_hits"] == 0
    assert totals["input_tokens"] == sum(usage.prompt_tokens for usage in known)
    assert totals["output_tokens"] == sum(usage.completion_tokens for usage in known)
    assert Decimal(totals["cost_usd"]) == sum(cost(MODEL, usage) for usage in known)


async def test_concurrent_calls_never_exceed_the_requests_per_minute(platform: Platform) -> None:
    key = await platform.make_key(requests_per_minute=5)
    client = platform.client(key.text)
    calls = (client.chat.completions.create(model=MODEL, messages=ask(unique())) for _ in range(20))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 5
    assert (await platform.usage_of(key, 5))["totals"]["errors"] == 0
