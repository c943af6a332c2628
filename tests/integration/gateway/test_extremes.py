"""What is very large, very long, cut off, or told a wrong length or time: still OpenAI's shape, still metered."""

import json
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.metered import held, spent
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.gateway.test_odd_providers import (
    ANSWER,
    STREAM_HEAD,
    USAGE,
    chunk,
    delta,
    http,
    provider,
    recorded,
)
from tests.integration.organizations import MakeOrg, Org


async def test_a_prompt_of_a_megabyte_is_answered_and_metered(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(key_budget_usd=Decimal(100))
    messages: Any = [{"role": "user", "content": "twelve chars" * 87_382}]

    answer = await platform.client(org).chat.completions.create(model="gpt-4.1-mini", messages=messages)

    data = await recorded(platform, org)
    assert answer.usage is not None
    assert data["input_tokens"] == answer.usage.prompt_tokens > 100_000
    assert await held(platform, org) == 0
    assert await spent(platform, org) == Decimal(data["cost_usd"]) > 0


async def test_a_stream_of_ten_thousand_chunks_arrives_whole_and_is_metered(platform: Platform, org: Org) -> None:
    messages: Any = [{"role": "user", "content": "[[chunks=10000]]"}]

    stream = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
    chunks = [each async for each in stream]

    assert sum(bool(each.choices and each.choices[0].delta.content) for each in chunks) == 10_000
    assert (await recorded(platform, org))["output_tokens"] == 10_000
    assert await held(platform, org) == 0


@pytest.mark.parametrize("wrong", [-20, 20])
async def test_a_provider_that_tells_a_wrong_length_is_a_502_and_free(
    run_gateway: RunGateway, org: Org, wrong: int
) -> None:
    answer = http(json.dumps({**ANSWER, "usage": USAGE}).encode())
    length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    told = answer.replace(f"content-length: {length}".encode(), f"content-length: {length + wrong}".encode())
    async with provider(told, then_close=True) as (url, _), run_gateway(upstream_base_url=url) as platform:
        with pytest.raises(openai.InternalServerError) as broken:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        data = await recorded(platform, org)
        assert await held(platform, org) == 0

    assert (broken.value.status_code, data["status"], data["cost_usd"]) == (502, "error", "0")


async def test_half_a_chunk_and_then_nothing_is_an_error_and_what_came_is_charged(
    run_gateway: RunGateway, org: Org
) -> None:
    half = chunk(delta("world"))[:40]
    async with (
        provider(STREAM_HEAD, chunk(delta("hello ")), half, then_wait=True) as (url, gone),
        run_gateway(upstream_base_url=url, upstream_read_seconds=0.25) as platform,
    ):
        stream = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
        parts: list[str] = []

        async def read() -> None:
            async for part in stream:
                parts.append(part.choices[0].delta.content or "")  # noqa: PERF401 - what came counts

        with pytest.raises(openai.APIError):
            await read()
        data = await recorded(platform, org)
        await gone.wait()
        assert await held(platform, org) == 0

    assert "".join(parts) == "hello "
    assert (data["status"], data["estimated"]) == ("error", True)
    assert data["output_tokens"] >= 1


@pytest.mark.parametrize("seconds", [-3_600, 3_600])
async def test_a_gateway_whose_clock_is_wrong_keeps_others_from_answering_for_a_minute_at_most(
    run_gateway: RunGateway, make_org: MakeOrg, seconds: float
) -> None:
    org = await make_org(requests_per_minute=2)
    no_store = {"x-llmo-cache": "no-store"}
    async with run_gateway() as wrong, run_gateway() as right:
        wrong.clock.advance(seconds)
        await wrong.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, extra_headers=no_store)
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {org.api_key}", **no_store}) as client:
            body = {"model": "gpt-4o-mini", "messages": HELLO}
            answer = await client.post(f"{right.url}/v1/chat/completions", json=body)
        for gateway in (wrong, right):
            await gateway.sweep()
        left = await held(right, org)

    assert answer.status_code in {200, 429}
    assert float(answer.headers.get("retry-after", "1")) <= 60
    assert left == 0
