"""A call through the gateway, as its user sees it, and what is recorded of it."""

import asyncio
from decimal import Decimal

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org


async def test_a_completion_is_answered_priced_and_announced(platform: Platform, org: Org) -> None:
    raw = await platform.client(org).chat.completions.with_raw_response.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Say hello [[cached=4]] [[reasoning=3]]"}],
        user="end-user-7",
    )
    answer = raw.parse()
    usage = answer.usage
    assert usage is not None
    cached = 4
    cost = (
        Decimal(usage.prompt_tokens - cached) * Decimal("0.15")
        + cached * Decimal("0.075")
        + usage.completion_tokens * Decimal("0.60")
    ) / 1_000_000
    assert answer.choices[0].message.content
    assert raw.headers["x-llmo-cache"] == "miss"
    assert raw.headers["x-llmo-model"] == answer.model
    assert Decimal(raw.headers["x-llmo-cost-usd"]) == cost
    assert raw.headers["x-llmo-saved-usd"] == "0"
    (event,) = platform.bus.events_of(org.org_id)
    assert event["type"] == "llmo.integration.usage.recorded"
    data = event["data"]
    assert data["request_id"] == raw.headers["x-request-id"]
    assert data["input_tokens"] == usage.prompt_tokens
    assert data["cached_input_tokens"] == cached
    assert data["output_tokens"] == usage.completion_tokens
    assert data["reasoning_tokens"] == 3
    assert Decimal(data["cost_usd"]) == cost
    assert data["key_id"] == str(org.key_id)
    assert data["project_id"] == str(org.project_id)
    assert data["status"] == "ok"
    assert data["end_user"] == "end-user-7"
    assert not data["estimated"]


async def test_an_equal_call_is_answered_from_the_cache_and_costs_nothing(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    first = await client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO, user="a")
    asked = platform.provider.requests
    second = await client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO, user="b")
    assert platform.provider.requests == asked
    assert second.content == first.content
    assert second.headers["x-llmo-cache"] == "hit"
    assert second.headers["x-llmo-cost-usd"] == "0"
    assert second.headers["x-llmo-saved-usd"] == first.headers["x-llmo-cost-usd"]
    miss, hit = (event["data"] for event in platform.bus.events_of(org.org_id))
    assert (hit["cache"], hit["cost_usd"], hit["saved_usd"]) == ("hit", "0", miss["cost_usd"])
    assert hit["output_tokens"] == miss["output_tokens"]


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"max_tokens": 5}, {"model": "gpt-4o"}, {"seed": 1}])
async def test_a_call_that_differs_is_no_cache_hit(platform: Platform, org: Org, change: dict[str, object]) -> None:
    client = platform.client(org)
    await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    call = {"model": "gpt-4o-mini", "messages": HELLO, **change}
    other = await client.chat.completions.with_raw_response.create(**call)  # type: ignore[call-overload]
    assert other.headers["x-llmo-cache"] == "miss"


async def test_no_organization_ever_sees_anothers_cached_answers(platform: Platform, make_org: MakeOrg) -> None:
    first, second = await make_org(), await make_org()
    for org in (first, second):
        answer = await platform.client(org).chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=HELLO
        )
        assert answer.headers["x-llmo-cache"] == "miss"


async def test_the_cache_can_be_passed_by(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    states = []
    for control in ("no-store", "no-cache", None, "no-store"):
        headers = {"x-llmo-cache": control} if control else {}
        answer = await client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=HELLO, extra_headers=headers
        )
        states.append(answer.headers["x-llmo-cache"])
    assert states == ["off", "miss", "hit", "off"]


async def test_a_stream_passes_through_without_the_usage_that_nobody_asked_for(platform: Platform, org: Org) -> None:
    stream = await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    (event,) = platform.bus.events_of(org.org_id)
    assert event["data"]["stream"]
    assert event["data"]["output_tokens"] > 0
    assert event["data"]["ttft_ms"] is not None
    assert not event["data"]["estimated"]


async def test_a_stream_shows_its_usage_when_asked(platform: Platform, org: Org) -> None:
    stream = await platform.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    usage = chunks[-1].usage
    assert usage is not None
    assert chunks[-1].choices == []
    (event,) = platform.bus.events_of(org.org_id)
    assert event["data"]["output_tokens"] == usage.completion_tokens


async def test_a_stream_is_replayed_from_the_cache_as_asked_this_time(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
    first = [chunk async for chunk in stream]
    stream = await client.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    second = [chunk async for chunk in stream]
    assert second[-1].usage is not None
    assert [chunk.choices for chunk in second[:-1]] == [chunk.choices for chunk in first]
    assert [event["data"]["cache"] for event in platform.bus.events_of(org.org_id)] == ["miss", "hit"]


async def test_embeddings_are_metered_by_their_input(platform: Platform, org: Org) -> None:
    raw = await platform.client(org).embeddings.with_raw_response.create(model="text-embedding-3-small", input="hello")
    answer = raw.parse()
    assert len(answer.data[0].embedding) > 0
    assert Decimal(raw.headers["x-llmo-cost-usd"]) == answer.usage.prompt_tokens * Decimal("0.00000002")
    (event,) = platform.bus.events_of(org.org_id)
    assert event["data"]["endpoint"] == "embeddings"


async def test_only_models_with_a_known_price_are_listed(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    names = {model.id async for model in await client.models.list()}
    assert {"gpt-4o-mini", "text-embedding-3-small"} <= names
    assert (await client.models.retrieve("gpt-4o-mini")).id == "gpt-4o-mini"


async def test_the_synchronous_client_works_too(platform: Platform, org: Org) -> None:
    def call() -> str:
        with OpenAI(base_url=f"{platform.url}/v1", api_key=org.api_key) as client:
            return client.chat.completions.create(model="gpt-4o-mini", messages=HELLO).model

    assert (await asyncio.to_thread(call)).startswith("gpt-4o-mini")


async def test_events_published_behind_the_answer_all_arrive(run_gateway: RunGateway, org: Org) -> None:
    async with run_gateway(usage_publish="background") as platform:
        client = platform.client(org)
        for number in range(25):
            await client.embeddings.create(model="text-embedding-3-small", input=f"text {number}")
        events = await platform.bus.wait_for(org.org_id, 25)
        assert len({event["id"] for event in events}) == 25
    assert await platform.redis.xlen(f"{{{org.org_ref}}}:usage") == 0


async def test_unknown_fields_reach_the_provider_untouched(platform: Platform, org: Org) -> None:
    await platform.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, extra_body={"field_of_the_future": {"deep": [1, None]}}
    )
    body = platform.provider.last[-1]["body"]
    assert body["field_of_the_future"] == {"deep": [1, None]}


async def test_how_fast_a_provider_wrote_is_recorded(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    question: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi [[chunks=20]] [[pace=0.01]]"}]
    for _ in range(2):
        stream = await client.chat.completions.create(model="gpt-4o-mini", messages=question, stream=True)
        assert [chunk async for chunk in stream]

    asked, hit = (event["data"] for event in platform.usage(org))
    writing_seconds = (asked["latency_ms"] - asked["ttft_ms"]) / 1000
    assert writing_seconds > 0.15
    assert asked["output_tokens_per_second"] == pytest.approx(20 / writing_seconds, rel=0.01)
    assert hit["output_tokens_per_second"] is None
