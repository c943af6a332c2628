"""What callers ask of the cache, and of their own bookkeeping, in headers."""

from decimal import Decimal
from typing import Any

import openai
import pytest

from local.vendors.openai_audio import BYTES_PER_SECOND
from tests.integration.gateway.metered import held, recorded
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org

SOUND = b"noise" * 1_000


async def state(platform: Platform, org: Org, path: str, call: dict[str, Any], **headers: str) -> str:
    """What the cache did for a call."""
    raw = await platform.client(org).post(
        f"/{path}",
        body=call,
        cast_to=openai.types.ModerationCreateResponse,
        options={"headers": {name.replace("_", "-"): value for name, value in headers.items()}, "max_retries": 0},
    )
    assert raw is not None
    event: str = platform.bus.events_of(org.org_id)[-1]["data"]["cache"]
    return event


CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": HELLO}


async def test_only_a_stored_answer_will_do(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    asked = platform.provider.requests
    with pytest.raises(openai.InternalServerError) as refusal:
        await state(platform, org, "chat/completions", CHAT, x_llmo_cache="only-if-cached")
    assert (refusal.value.status_code, refusal.value.code) == (504, "cache_miss")
    assert refusal.value.response.headers["x-should-retry"] == "false"
    assert platform.provider.requests == asked
    assert await held(platform, org) == 0
    assert platform.bus.events_of(org.org_id) == []
    await state(platform, org, "chat/completions", CHAT)
    assert await state(platform, org, "chat/completions", CHAT, x_llmo_cache="only-if-cached") == "hit"


async def test_a_call_that_is_never_cached_has_no_stored_answer(platform: Platform, org: Org) -> None:
    call = {"model": "gpt-image-1", "prompt": "a cat"}
    with pytest.raises(openai.InternalServerError) as refusal:
        await state(platform, org, "images/generations", call, x_llmo_cache="only-if-cached")
    assert refusal.value.code == "cache_miss"


async def test_an_answer_is_kept_as_long_as_the_caller_says(platform: Platform, org: Org) -> None:
    await state(platform, org, "chat/completions", CHAT, x_llmo_cache_ttl="77")
    names = [name async for name in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:cache:*")]
    assert 70 < await platform.redis.ttl(names[0]) <= 77


async def test_namespaces_do_not_see_each_others_answers(platform: Platform, org: Org) -> None:
    states = [
        await state(platform, org, "chat/completions", CHAT, **({"x_llmo_cache_namespace": name} if name else {}))
        for name in ("a", "b", "a", "", "b", "")
    ]
    assert states == ["miss", "miss", "hit", "miss", "hit", "hit"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-llmo-cache", "maybe"),
        ("x-llmo-cache-ttl", "0"),
        ("x-llmo-cache-ttl", "2592001"),
        ("x-llmo-cache-ttl", "1.5"),
        ("x-llmo-cache-namespace", "n" * 65),
        ("x-llmo-tags", "team"),
        ("x-llmo-tags", "team=search,team=other"),
        ("x-llmo-tags", "team=" + "x" * 65),
        ("x-llmo-tags", ",".join(f"k{number}=v" for number in range(21))),
        ("x-llmo-tags", "team=se arch"),
    ],
)
async def test_a_malformed_header_is_named(platform: Platform, org: Org, header: str, value: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await state(platform, org, "chat/completions", CHAT, **{header: value})
    assert refusal.value.param == header
    assert header in refusal.value.message


async def test_tags_are_recorded_with_the_call(platform: Platform, org: Org) -> None:
    tags = ",".join(["team=search", "env=prod/eu-1", *(f"k{number}=v" for number in range(18))])
    await state(platform, org, "chat/completions", CHAT, x_llmo_tags=tags)
    data = await recorded(platform, org)
    assert len(data["tags"]) == 20
    assert (data["tags"]["team"], data["tags"]["env"]) == ("search", "prod/eu-1")


@pytest.mark.parametrize(
    ("path", "call", "states"),
    [
        ("completions", {"model": "davinci-002", "prompt": "hello"}, ["miss", "hit"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello"}, ["miss", "hit"]),
        ("moderations", {"input": "hello"}, ["miss", "hit"]),
        ("images/generations", {"model": "gpt-image-1", "prompt": "a cat", "quality": "low"}, ["off", "off"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello", "conversation": "conv_1"}, ["off", "off"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello", "prompt": {"id": "pmpt_1"}}, ["off", "off"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello", "tools": [{"type": "web_search"}]}, ["off", "off"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello", "tools": [{"type": "mcp"}]}, ["off", "off"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hi", "tools": [{"type": "function"}]}, ["miss", "hit"]),
        ("responses", {"model": "gpt-4o-mini", "input": "hello [[no_usage]]"}, ["miss", "miss"]),
    ],
)
async def test_what_may_be_the_same_again_is_cached(
    platform: Platform, org: Org, path: str, call: dict[str, Any], states: list[str]
) -> None:
    assert [await state(platform, org, path, call) for _ in range(2)] == states


async def test_a_streamed_response_is_replayed_event_by_event(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    runs = []
    for _ in range(2):
        stream = await client.responses.create(model="gpt-4o-mini", input="hello", stream=True)
        runs.append([event.model_dump() async for event in stream])
    miss, hit = (event["data"] for event in await platform.bus.wait_for(org.org_id, 2))
    assert runs[0] == runs[1]
    assert (miss["cache"], hit["cache"], hit["cost_usd"], hit["saved_usd"]) == ("miss", "hit", "0", miss["cost_usd"])


async def test_speech_is_replayed_with_its_media_type(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    sounds = []
    for _ in range(2):
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input="hello", response_format="flac"
        ) as response:
            sounds.append((response.headers["content-type"], await response.read()))
    states = [event["data"]["cache"] for event in await platform.bus.wait_for(org.org_id, 2)]
    assert sounds[0] == sounds[1]
    assert sounds[0][0] == "audio/flac"
    assert states == ["miss", "hit"]


async def test_the_same_file_is_transcribed_once_whatever_its_boundary(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    for file in (SOUND, SOUND, SOUND + b"!"):
        await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", file))
    states = [event["data"]["cache"] for event in await platform.bus.wait_for(org.org_id, 3)]
    assert states == ["miss", "hit", "miss"]


async def test_a_repeated_request_is_answered_once_at_every_endpoint(platform: Platform, org: Org) -> None:
    client, again = platform.client(org), {"idempotency-key": "again", "x-llmo-cache": "no-store"}
    asked = platform.provider.requests
    for _ in range(2):
        await client.responses.create(model="gpt-4o-mini", input="hello", extra_headers=again)
        await client.audio.transcriptions.create(
            model="whisper-1", file=("a.mp3", SOUND), extra_headers={**again, "idempotency-key": "sound"}
        )
        speech = {**again, "idempotency-key": "speech"}
        sound = await client.audio.speech.create(model="tts-1", voice="alloy", input="hi", extra_headers=speech)
        assert len(sound.content) == BYTES_PER_SECOND
        stream = await client.responses.create(
            model="gpt-4o-mini", input="hi", stream=True, extra_headers={**again, "idempotency-key": "stream"}
        )
        assert [event.type async for event in stream][-1] == "response.completed"
    assert platform.provider.requests == asked + 4
    assert len(await platform.bus.wait_for(org.org_id, 4)) == 4
