"""What the gateway refuses, in OpenAI's shape, so that OpenAI's own client raises the right error."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest

from llmo_auth import api_key
from tests.e2e.platform import Key, Platform, ask, unique

MODEL = "gpt-4o-mini"
SIX_MEGABYTES = 6 * 1024 * 1024
MESSAGES = [{"role": "user", "content": "Hello"}]


async def refused(platform: Platform, key: str, **call: Any) -> openai.APIStatusError:
    """The error that a call raises."""
    with pytest.raises(openai.APIStatusError) as refusal:
        await platform.client(key).chat.completions.create(
            **{"model": MODEL, "messages": ask(unique("refuse me")), **call}
        )
    return refusal.value


async def assert_unauthorized(platform: Platform, key: str) -> None:
    for call in (
        platform.client(key).chat.completions.create(model=MODEL, messages=ask("Hello")),
        platform.client(key).embeddings.create(model="text-embedding-3-small", input="Hello"),
        platform.client(key).models.retrieve(MODEL),
    ):
        with pytest.raises(openai.AuthenticationError) as refusal:
            await call
        assert refusal.value.type == "invalid_request_error"
        assert refusal.value.code == "invalid_api_key"
        assert refusal.value.body


async def test_an_unknown_key_is_refused(platform: Platform) -> None:
    known = api_key.parse(platform.api_key)
    assert known is not None
    await assert_unauthorized(platform, api_key.generate(known.org_ref).text)
    await assert_unauthorized(platform, api_key.generate(api_key.new_org_ref()).text)


async def test_a_malformed_key_is_refused(platform: Platform) -> None:
    mistyped = platform.api_key[:-1] + ("0" if platform.api_key[-1] != "0" else "1")
    for text in (mistyped, "sk-proj-of-openai", "llmo_"):
        await assert_unauthorized(platform, text)


async def test_a_call_without_a_key_is_refused(platform: Platform) -> None:
    answer = await platform.call("POST", "/v1/chat/completions", api_key=None, json={})
    assert answer.status == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_the_next_call_after_a_revocation_is_refused_also_one_from_the_cache(
    platform: Platform, key: Key
) -> None:
    client, question = platform.client(key.text), unique()
    for _ in range(2):
        await client.chat.completions.create(model=MODEL, messages=ask(question))
    revoked = await platform.call("DELETE", f"/api/v1/api-keys/{key.id}")
    assert revoked.status == 204
    with pytest.raises(openai.AuthenticationError):
        await client.chat.completions.create(model=MODEL, messages=ask(question))
    await assert_unauthorized(platform, key.text)
    assert (await platform.call("DELETE", f"/api/v1/api-keys/{key.id}")).status == 204, "safe to repeat"


async def test_a_key_works_until_it_expires_and_not_after(platform: Platform) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=1)
    key = await platform.make_key(expires_at=expires_at.isoformat())
    client, answered_at = platform.client(key.text), list[datetime]()

    async def call_on() -> None:
        while True:
            asked_at = datetime.now(UTC)
            await client.chat.completions.create(model=MODEL, messages=ask("Hello"))
            answered_at.append(asked_at)

    with pytest.raises(openai.AuthenticationError):
        await asyncio.wait_for(call_on(), timeout=10)
    assert answered_at
    assert answered_at[-1] < expires_at <= datetime.now(UTC)
    await assert_unauthorized(platform, key.text)


async def test_over_the_requests_per_minute_a_call_is_told_when_to_come_back(platform: Platform) -> None:
    key = await platform.make_key(requests_per_minute=1)
    question = unique()
    raw = await platform.client(key.text).chat.completions.with_raw_response.create(model=MODEL, messages=ask(question))
    assert raw.headers["x-ratelimit-limit-requests"] == "1"
    assert raw.headers["x-ratelimit-remaining-requests"] == "0"
    over = await refused(platform, key.text)
    assert isinstance(over, openai.RateLimitError)
    assert (over.code, over.type) == ("rate_limit_exceeded", "requests")
    assert 1 <= int(over.response.headers["retry-after"]) <= 60


async def test_over_the_tokens_per_minute_a_call_is_told_when_to_come_back(platform: Platform) -> None:
    key = await platform.make_key(tokens_per_minute=100)
    await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()), max_tokens=50)
    over = await refused(platform, key.text, max_tokens=50)
    assert isinstance(over, openai.RateLimitError)
    assert (over.code, over.type) == ("rate_limit_exceeded", "tokens")
    assert 1 <= int(over.response.headers["retry-after"]) <= 60


async def test_a_call_larger_than_the_tokens_per_minute_is_refused(platform: Platform) -> None:
    key = await platform.make_key(tokens_per_minute=10)
    over = await refused(platform, key.text, max_tokens=50)
    assert isinstance(over, openai.RateLimitError)
    assert (over.code, over.type) == ("rate_limit_exceeded", "tokens")


async def test_a_call_that_could_cost_more_than_the_budget_is_refused_before_it_is_made(platform: Platform) -> None:
    key = await platform.make_key(monthly_budget_usd="0.000001")
    question = unique("too dear")
    over = await refused(platform, key.text, messages=ask(question))
    assert isinstance(over, openai.RateLimitError)
    assert (over.code, over.type) == ("insufficient_quota", "insufficient_quota")
    assert await platform.upstream_calls(question) == []


async def test_a_key_limited_to_some_models_may_not_use_others(platform: Platform) -> None:
    key = await platform.make_key(allowed_models=["gpt-4o"])
    assert isinstance(await refused(platform, key.text), openai.PermissionDeniedError)
    answer = await platform.client(key.text).chat.completions.create(model="gpt-4o", messages=ask(unique()))
    assert answer.choices


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("chat/completions", {"messages": MESSAGES}, 400, "model"),
        ("chat/completions", {"model": 5, "messages": MESSAGES}, 400, "model"),
        ("chat/completions", {"model": MODEL}, 400, "messages"),
        ("chat/completions", {"model": MODEL, "messages": []}, 400, "messages"),
        ("chat/completions", {"model": MODEL, "messages": "Hello"}, 400, "messages"),
        ("chat/completions", {"model": MODEL, "messages": MESSAGES, "stream": "yes"}, 400, "stream"),
        ("chat/completions", {"model": MODEL, "messages": MESSAGES, "max_tokens": -1}, 400, "max_tokens"),
        ("chat/completions", {"model": MODEL, "messages": MESSAGES, "n": 0}, 400, "n"),
        (
            "chat/completions",
            {"model": MODEL, "messages": MESSAGES, "stream": True, "stream_options": 1},
            400,
            "stream_options",
        ),
        ("chat/completions", {"model": "gpt-none", "messages": MESSAGES}, 404, "model"),
        ("embeddings", {"model": "text-embedding-3-small"}, 400, "input"),
        ("embeddings", {"input": "Hello"}, 400, "model"),
        ("embeddings", {"model": "embedding-none", "input": "Hello"}, 404, "model"),
    ],
)
async def test_a_mistake_in_the_body_is_named_by_its_field(
    platform: Platform, path: str, body: dict[str, object], status: int, param: str
) -> None:
    answer = await platform.call("POST", f"/v1/{path}", json=body)
    error = answer.json()["error"]
    assert (answer.status, error["param"], error["type"]) == (status, param, "invalid_request_error")
    assert error["message"]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"model": NaN}'])
async def test_a_body_that_is_no_json_object_is_refused(platform: Platform, body: bytes) -> None:
    headers = {"authorization": f"Bearer {platform.api_key}", "content-type": "application/json"}
    url = f"{platform.base_url}/v1/chat/completions"
    async with platform.http.post(url, data=body, headers=headers) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (400, "invalid_json")


async def test_a_body_over_six_megabytes_is_refused(platform: Platform) -> None:
    question = unique("large")
    over = await refused(platform, platform.api_key, messages=ask(question + "x" * SIX_MEGABYTES))
    assert over.code == "request_too_large"
    assert over.status_code in {400, 413}
    assert await platform.upstream_calls(question) == []


async def test_a_large_body_below_that_is_answered(platform: Platform) -> None:
    question = unique("not too large ") + " word" * (SIX_MEGABYTES // 8)
    answer = await platform.client(platform.api_key).chat.completions.create(model=MODEL, messages=ask(question))
    assert answer.choices


async def test_an_unknown_url_below_v1_is_a_404_in_openais_shape(platform: Platform) -> None:
    answer = await platform.call("POST", "/v1/audio/dreams", json={})
    assert answer.status == 404
    assert "/v1/audio/dreams" in answer.json()["error"]["message"]
