"""Calls of models by OpenAI's own client, and what is known of them afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import uuid4

import aiohttp
import pytest_asyncio
from openai import AsyncOpenAI

from tests.smoke.conftest import Target

VISIBLE_SECONDS: Final = 60
_BETWEEN_LOOKS_SECONDS: Final = 0.5


@pytest_asyncio.fixture(scope="session")
async def client(target: Target) -> AsyncIterator[AsyncOpenAI]:
    """A client that does not retry: a deployment that answers every second call is no good one."""
    async with AsyncOpenAI(base_url=f"{target.base_url}/v1", api_key=target.api_key, max_retries=0) as client:
        yield client


async def test_a_plain_and_a_streamed_answer_arrive_and_are_reported(
    target: Target, http: aiohttp.ClientSession, client: AsyncOpenAI
) -> None:
    who = (
        f"smoke-{uuid4()}"  # no other call is this user's, and no other question the same: nothing comes from the cache
    )

    plain = await client.chat.completions.create(
        model=target.model, user=who, max_tokens=16, messages=[{"role": "user", "content": f"Say hello to {who}."}]
    )
    stream = await client.chat.completions.create(
        model=target.model,
        user=who,
        max_tokens=16,
        stream=True,
        stream_options={"include_usage": True},
        messages=[{"role": "user", "content": f"Say goodbye to {who}."}],
    )
    chunks = [chunk async for chunk in stream]

    assert plain.choices[0].message.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    spoken = [answer.usage for answer in (plain, chunks[-1]) if answer.usage]
    totals = await _reported(target, http, who, len(spoken))
    assert len(spoken) == totals["requests"] == 2
    assert totals["output_tokens"] == sum(usage.completion_tokens for usage in spoken)
    assert float(totals["cost_usd"]) > 0


async def _reported(target: Target, http: aiohttp.ClientSession, who: str, calls: int) -> dict[str, Any]:
    """The sums of a user's calls as soon as they have so many. Raises TimeoutError."""
    url = f"{target.base_url}/api/v1/analytics/usage"
    async with asyncio.timeout(VISIBLE_SECONDS):
        while True:
            async with http.get(url, params={"end_user": who}, headers=target.bearer) as answer:
                assert answer.status == 200, await answer.text()
                totals: dict[str, Any] = (await answer.json())["totals"]
            if totals["requests"] >= calls:
                return totals
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)


async def test_models_can_be_listed(client: AsyncOpenAI, target: Target) -> None:
    assert target.model in [model.id async for model in client.models.list()]
