"""A repeated request with the same Idempotency-Key: one call, one cost, the same answer."""

import asyncio
from typing import Any

import openai
import pytest

from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org

NO_CACHE = {"x-llmo-cache": "no-store"}


def under(key: str) -> dict[str, str]:
    return {"idempotency-key": key, **NO_CACHE}


async def ask(platform: Platform, org: Org, key: str, **call: Any) -> Any:
    return await platform.client(org).chat.completions.with_raw_response.create(
        **{"model": "gpt-4o-mini", "messages": HELLO, **call}, extra_headers=under(key)
    )


async def test_a_repeated_request_gets_the_first_answer_and_is_not_made_again(platform: Platform, org: Org) -> None:
    first = await ask(platform, org, "a")
    asked = platform.provider.requests
    again = await ask(platform, org, "a")
    assert again.content == first.content
    assert again.headers["x-llmo-idempotent-replay"] == "true"
    assert again.headers["x-llmo-cost-usd"] == first.headers["x-llmo-cost-usd"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert platform.provider.requests == asked
    assert len(platform.bus.events_of(org.org_id)) == 1


async def test_a_repeated_stream_is_replayed(platform: Platform, org: Org) -> None:
    client, texts = platform.client(org), []
    for _ in range(2):
        stream = await client.chat.completions.create(
            model="gpt-4o-mini", messages=HELLO, stream=True, extra_headers=under("a")
        )
        texts.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream]))
    assert texts[0] == texts[1] != ""
    assert len(platform.bus.events_of(org.org_id)) == 1


async def test_another_body_under_the_same_key_is_refused(platform: Platform, org: Org) -> None:
    await ask(platform, org, "a")
    with pytest.raises(openai.UnprocessableEntityError) as refusal:
        await ask(platform, org, "a", max_tokens=5)
    assert refusal.value.code == "idempotency_key_reused"


async def test_a_twin_of_a_request_under_way_is_told_to_wait(platform: Platform, org: Org) -> None:
    slow = [{"role": "user", "content": "hello [[delay=0.3]]"}]
    first = asyncio.create_task(ask(platform, org, "a", messages=slow))
    await platform.until_admitted(org)
    with pytest.raises(openai.ConflictError) as refusal:
        await ask(platform, org, "a", messages=slow)
    assert refusal.value.response.headers["retry-after"] == "1"
    answer = await first
    assert (await ask(platform, org, "a", messages=slow)).content == answer.content


async def test_a_request_that_failed_may_be_repeated_under_its_key(platform: Platform, org: Org) -> None:
    failing = [{"role": "user", "content": "hello [[status=500]]"}]
    for _ in range(2):
        asked = platform.provider.requests
        with pytest.raises(openai.InternalServerError):
            await ask(platform, org, "a", messages=failing)
        assert platform.provider.requests == asked + 1


async def test_a_stream_that_was_left_may_be_repeated_under_its_key(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    stream = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "hello [[chunks=20]] [[pace=0.02]]"}],
        stream=True,
        extra_headers=under("a"),
    )
    await anext(aiter(stream))
    await stream.close()
    await platform.bus.wait_for(org.org_id, 1)
    async with asyncio.timeout(5):
        while await platform.redis.keys(f"{{{org.org_ref}}}:request:*"):
            pass  # the release is on its way
    asked = platform.provider.requests
    stream = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "hello [[chunks=20]] [[pace=0.02]]"}],
        stream=True,
        extra_headers=under("a"),
    )
    assert [chunk async for chunk in stream]
    assert platform.provider.requests == asked + 1


async def test_keys_of_different_api_keys_never_meet(platform: Platform, make_org: MakeOrg) -> None:
    one, other = await make_org(), await make_org()
    await ask(platform, one, "a")
    answer = await ask(platform, other, "a", max_tokens=5)
    assert "x-llmo-idempotent-replay" not in answer.headers


async def test_a_replay_needs_a_valid_key(platform: Platform, org: Org) -> None:
    await ask(platform, org, "a")
    await platform.redis.set(f"{{{org.org_ref}}}:key:{org.key_hash}", "revoked")
    with pytest.raises(openai.AuthenticationError):
        await ask(platform, org, "a")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_idempotency_key_of_no_sensible_length_is_refused(platform: Platform, org: Org, key: str) -> None:
    with pytest.raises(openai.BadRequestError):
        await ask(platform, org, key)
