"""Policies: what a project lets be done to its calls, and what callers are told of it."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import openai
import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from llmo_core.ids import new_id
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted, scripted

OLD = "An old question. " * 60
CONVERSATION = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": OLD},
    {"role": "assistant", "content": "An old answer."},
    {"role": "user", "content": "A new question"},
]

SENT = {"model": "gpt-4o-mini", "messages": [CONVERSATION[0], CONVERSATION[3]]}
BYTES_PER_TOKEN = 8  # long words


@pytest_asyncio.fixture
async def own(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider with the model `own`, a dollar for a million tokens."""
    async with scripted("provider") as provider:
        provider.usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
        await set_up.provider("one", provider.url)
        await set_up.model("own", "one", price="1")
        yield provider


async def ask(platform: Platform, set_up: SetUp, **changes: Any) -> Any:
    """An answer with its headers."""
    asked = {"model": "own", "messages": CONVERSATION, **changes}
    return await platform.client(set_up.org).chat.completions.with_raw_response.create(**asked)


async def test_a_long_conversation_is_trimmed_and_what_that_saved_is_told(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(trim_to_tokens=100)
    own.usage["prompt_tokens"] = round(len(json.dumps(SENT)) / BYTES_PER_TOKEN)

    answer = await ask(platform, set_up, extra_headers={"x-llmo-explain": "true"})

    (sent,) = own.calls
    assert sent == SENT
    (event,) = platform.usage(set_up.org)
    told = len(OLD + "An old answer.") / BYTES_PER_TOKEN
    spared = event["data"]["spared_input_tokens"]
    assert spared == pytest.approx(told, rel=0.3)  # JSON around short messages counts too
    assert event["data"]["optimizations"] == ["trim"]
    assert Decimal(event["data"]["saved_usd"]) == Decimal(spared) / 1_000_000
    assert answer.headers["x-llmo-saved-usd"] == event["data"]["saved_usd"]
    explanation = json.loads(answer.headers["x-llmo-explanation"])
    (step,) = explanation["steps"]
    assert step["why"] == "the 1 oldest of 2 turns are left out to come to 100 tokens"
    assert step["input_tokens"] > len(OLD) // 4


@pytest.mark.usefixtures("own")
async def test_without_a_policy_nothing_is_done_and_that_is_told_too(platform: Platform, set_up: SetUp) -> None:
    answer = await ask(platform, set_up, extra_headers={"x-llmo-explain": "true"})

    assert json.loads(answer.headers["x-llmo-explanation"]) == {"model": "gpt-4o-mini", "steps": []}
    assert "x-llmo-explanation" not in (await ask(platform, set_up)).headers
    with pytest.raises(openai.BadRequestError, match="x-llmo-explain"):
        await ask(platform, set_up, extra_headers={"x-llmo-explain": "yes"})


async def test_a_projects_own_policy_comes_before_the_organizations(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(max_output_tokens=50)
    await ask(platform, set_up)
    await set_up.policy(new_id(), max_output_tokens=7)
    await ask(platform, set_up, temperature=0.1)
    await set_up.policy(set_up.org.project_id, max_output_tokens=5)
    await ask(platform, set_up, temperature=0.2)

    assert [call["max_completion_tokens"] for call in own.calls] == [50, 50, 5]


async def test_a_prompt_cache_key_is_for_providers_that_know_it(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(prompt_cache=True)
    await ask(platform, set_up)
    await set_up.provider("azure", own.url, kind="azure_openai")
    await ask(platform, set_up, model="azure/gpt-4o-mini")

    assert ["prompt_cache_key" in call for call in own.calls] == [False, True]


async def test_calls_of_a_project_without_a_cache_go_to_the_provider_each_time(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(cache="off")

    answers = [await ask(platform, set_up) for _ in range(2)]

    assert [answer.headers["x-llmo-cache"] for answer in answers] == ["off", "off"]
    assert len(own.calls) == 2


async def test_answers_are_kept_as_long_as_the_policy_says(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    await set_up.policy(cache_ttl_seconds=1000)
    await ask(platform, set_up)
    (name,) = [name async for name in platform.redis.scan_iter(f"{{{set_up.org.org_ref}}}:cache:*")]
    assert 900_000 < await platform.redis.pttl(name) <= 1_000_000
    assert len(own.calls) == 1


async def test_calls_that_differ_only_in_what_is_left_out_are_equal(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(compact=True)
    first = await ask(platform, set_up, messages=[{"role": "user", "content": "Hello\n\n\n\nyou   \nthere"}])
    second = await ask(platform, set_up, messages=[{"role": "user", "content": "Hello\n\nyou\nthere"}])

    assert (first.headers["x-llmo-cache"], second.headers["x-llmo-cache"]) == ("miss", "hit")
    assert len(own.calls) == 1


async def test_a_cheaper_model_answers_where_the_policy_says_so(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.model("dear", "one", price="3", upstream_model="gpt-4o")
    await set_up.policy(substitute_models=Jsonb({"dear": "own"}), substitute_up_to_tokens=400)
    short = [{"role": "user", "content": "A short question"}]

    told = await ask(platform, set_up, model="dear", messages=short, extra_headers={"x-llmo-explain": "true"})
    await ask(platform, set_up, model="dear", messages=[{"role": "user", "content": OLD * 2}])

    assert [call["model"] for call in own.calls] == ["gpt-4o-mini", "gpt-4o"]
    cheap, dear = (event["data"] for event in platform.usage(set_up.org))
    assert (cheap["requested_model"], cheap["optimizations"], cheap["cost_usd"]) == ("dear", ["substitute"], "0.00001")
    assert (cheap["saved_usd"], dear["saved_usd"], dear["optimizations"]) == ("0.00002", "0", [])
    (step,) = json.loads(told.headers["x-llmo-explanation"])["steps"]
    assert step == {"step": "substitute", "why": "own answers in place of dear", "input_tokens": 0}


async def test_an_answer_of_a_substitute_is_none_of_the_model_itself(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(substitute_models=Jsonb({"gpt-4o": "own"}))
    await ask(platform, set_up, model="gpt-4o")
    await set_up.policy(set_up.org.project_id)  # without a substitute

    answer = await ask(platform, set_up, model="gpt-4o")

    assert answer.headers["x-llmo-cache"] == "miss"
    assert len(own.calls) == 1


async def test_a_substitute_that_is_not_there_is_none(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    await set_up.policy(substitute_models=Jsonb({"own": "gone"}))

    await ask(platform, set_up)

    assert len(own.calls) == 1
    assert platform.usage(set_up.org)[0]["data"]["optimizations"] == []


async def test_a_key_that_may_use_a_model_may_use_its_substitute_and_nothing_else(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.connection.execute(
        "UPDATE auth.api_keys SET allowed_models = '{gpt-4o}' WHERE id = %s", (set_up.org.key_id,)
    )
    await set_up.policy(substitute_models=Jsonb({"gpt-4o": "own"}))

    await ask(platform, set_up, model="gpt-4o")

    assert len(own.calls) == 1
    with pytest.raises(openai.PermissionDeniedError):
        await ask(platform, set_up)


async def test_what_is_left_out_beside_an_image_is_rather_too_little(
    platform: Platform, set_up: SetUp, own: Scripted
) -> None:
    await set_up.policy(trim_to_tokens=100)
    own.usage["prompt_tokens"] = 26_000  # most of them the image's
    image = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    latest = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}

    await ask(platform, set_up, messages=[*CONVERSATION[:3], latest])

    (event,) = platform.usage(set_up.org)
    assert 0 < event["data"]["spared_input_tokens"] <= len(OLD) / 4


@pytest.mark.parametrize("reason", ["conditions", "size"])
async def test_a_substitute_that_takes_no_such_call_is_none(
    platform: Platform, set_up: SetUp, own: Scripted, reason: str
) -> None:
    await set_up.model("tiny", "one", context_window=10)
    await set_up.route("narrow", [{"model": "own", "conditions": {"tools": True}}])
    await set_up.policy(substitute_models=Jsonb({"own": "narrow" if reason == "conditions" else "tiny"}))

    await ask(platform, set_up)

    assert platform.usage(set_up.org)[0]["data"]["optimizations"] == []
    assert len(own.calls) == 1


async def test_nobody_knows_what_a_route_would_have_cost(platform: Platform, set_up: SetUp, own: Scripted) -> None:
    await set_up.model("dear", "one", price="3")
    await set_up.route("chat", ["dear", "own"], strategy="cheapest")
    await set_up.policy(substitute_models=Jsonb({"chat": "own"}))

    await ask(platform, set_up, model="chat")

    (event,) = platform.usage(set_up.org)
    assert (event["data"]["optimizations"], event["data"]["saved_usd"]) == (["substitute"], "0")
    assert len(own.calls) == 1
