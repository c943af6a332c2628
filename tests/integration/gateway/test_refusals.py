"""What the gateway refuses, in OpenAI's own shapes."""

import asyncio
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import openai
import pytest

from llmo_auth import api_key
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org

CHAT = {"model": "gpt-4o-mini", "messages": HELLO}


async def post(
    platform: Platform, path: str, body: Any, *, key: str, more: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """POST a body, or GET when there is none."""
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"} if key else {}) as session,
        session.request(
            "GET" if body is None else "POST",
            platform.url + path,
            data=data if body is not None else None,
            headers=more,
        ) as response,
    ):
        return response.status, await response.json(), response.headers


@pytest.mark.parametrize("key", ["", "sk-nobody", "llmo_short_1", "llmo_0123456789_" + "a" * 36, "schlüssel"])
async def test_a_malformed_key_is_refused_before_any_lookup(platform: Platform, key: str) -> None:
    status, body, headers = await post(platform, "/v1/chat/completions", CHAT, key=key)
    assert status == 401
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["code"] == "invalid_api_key"
    assert body["error"]["param"] is None
    assert headers["x-request-id"]


async def test_a_well_formed_but_unknown_key_is_refused(platform: Platform, org: Org) -> None:
    stranger = api_key.generate(org.org_ref)
    with pytest.raises(openai.AuthenticationError) as refusal:
        await platform.client_with(stranger.text).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert refusal.value.code == "invalid_api_key"


async def test_expired_and_revoked_keys_are_refused(platform: Platform, make_org: MakeOrg) -> None:
    now = datetime.now(UTC)
    for org in (await make_org(expires_at=now - timedelta(seconds=1)), await make_org(revoked_at=now)):
        with pytest.raises(openai.AuthenticationError):
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        with pytest.raises(openai.AuthenticationError):
            await platform.client(org).models.list()


@pytest.mark.parametrize(
    ("cidrs", "forwarded", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "198.51.100.1, 203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.113.9, 198.51.100.1", 403),
        (["203.0.113.0/24"], "2001:db8::1", 403),
        (["2001:db8::/32", "10.0.0.0/8"], "2001:db8::1", 200),
        (["203.0.113.0/24"], "unknown", 403),
        (["203.0.113.0/24"], None, 403),
        (["127.0.0.0/8"], None, 200),
        (None, "unknown", 200),
    ],
)
async def test_a_key_works_from_its_networks_only(
    platform: Platform, make_org: MakeOrg, cidrs: list[str] | None, forwarded: str | None, status: int
) -> None:
    org = await make_org(allowed_cidrs=cidrs)
    headers = {"x-forwarded-for": forwarded} if forwarded is not None else {}

    for path, body in (("/v1/chat/completions", CHAT), ("/v1/models", None), ("/v1/chat/completions", {"model": 1})):
        wanted = 400 if body == {"model": 1} and status == 200 else status
        answer = await post(platform, path, body, key=org.api_key, more=headers)
        assert answer[0] == wanted, (path, body)
        if wanted == 403:
            assert answer[1]["error"]["code"] == "address_not_allowed"
    used = await platform.redis.hget(f"{{{org.org_ref}}}:used", str(org.key_id))
    assert (used is not None) is (status == 200)


async def test_a_key_revoked_in_the_store_is_refused_on_the_very_next_call(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    await platform.redis.set(f"{{{org.org_ref}}}:key:{org.key_hash}", "revoked")
    with pytest.raises(openai.AuthenticationError, match="revoked"):
        await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)


async def test_a_key_without_the_permission_to_call_models_is_refused(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(permissions=["usage:read"])
    with pytest.raises(openai.AuthenticationError):
        await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)


async def test_a_key_limited_to_other_models_is_refused(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(allowed_models=["gpt-4o"])
    with pytest.raises(openai.PermissionDeniedError) as refusal:
        await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert refusal.value.param == "model"


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/v1/chat/completions", b"{not json", 400, None),
        ("/v1/chat/completions", b"\xff\xfe", 400, None),
        ("/v1/chat/completions", b"[]", 400, None),
        ("/v1/chat/completions", {"messages": HELLO}, 400, "model"),
        ("/v1/chat/completions", {"model": 7, "messages": HELLO}, 400, "model"),
        ("/v1/chat/completions", {"model": "gpt-4o-mini"}, 400, "messages"),
        ("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": []}, 400, "messages"),
        ("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": "hi"}, 400, "messages"),
        ("/v1/chat/completions", {**CHAT, "stream": "yes"}, 400, "stream"),
        ("/v1/chat/completions", {**CHAT, "max_tokens": 0}, 400, "max_tokens"),
        ("/v1/chat/completions", {**CHAT, "n": -1}, 400, "n"),
        ("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": 1}, 400, "stream_options"),
        ("/v1/chat/completions", {**CHAT, "model": "gpt-nonesuch"}, 404, "model"),
        ("/v1/embeddings", {"model": "text-embedding-3-small"}, 400, "input"),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ""}, 400, "input"),
    ],
)
async def test_a_bad_body_is_refused_and_the_field_is_named(
    platform: Platform, org: Org, path: str, body: Any, status: int, param: str | None
) -> None:
    given, answer, _ = await post(platform, path, body, key=org.api_key)
    assert (given, answer["error"]["param"], answer["error"]["type"]) == (status, param, "invalid_request_error")
    assert platform.bus.events_of(org.org_id) == []


async def test_a_stranger_learns_nothing_about_a_bad_body(platform: Platform, org: Org) -> None:
    stranger = api_key.generate(org.org_ref)
    status, body, _ = await post(platform, "/v1/chat/completions", b"{", key=stranger.text)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


async def test_a_body_over_six_megabytes_is_refused(platform: Platform, org: Org) -> None:
    body = b'{"model": "gpt-4o-mini", "messages": [], "x": "' + b"a" * 6 * 1024 * 1024 + b'"}'
    status, answer, _ = await post(platform, "/v1/chat/completions", body, key=org.api_key)
    assert (status, answer["error"]["code"]) == (400, "request_too_large")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/chat/completions"), ("POST", "/v1/nonesuch"), ("GET", "/")])
async def test_an_unknown_url_is_answered_as_openai_does(platform: Platform, method: str, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, platform.url + path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["message"] == f"Invalid URL ({method} {path})"


async def test_requests_per_minute_are_limited_and_say_when_to_come_back(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(requests_per_minute=2)
    client = platform.client(org)
    remaining = []
    for number in range(2):
        raw = await client.embeddings.with_raw_response.create(model="text-embedding-3-small", input=str(number))
        assert raw.headers["x-ratelimit-limit-requests"] == "2"
        remaining.append(raw.headers["x-ratelimit-remaining-requests"])
    assert remaining == ["1", "0"]
    with pytest.raises(openai.RateLimitError) as refusal:
        await client.embeddings.create(model="text-embedding-3-small", input="3")
    assert refusal.value.type == "requests"
    assert refusal.value.code == "rate_limit_exceeded"
    assert 1 <= int(refusal.value.response.headers["retry-after"]) <= 30
    platform.clock.advance(31)
    await client.embeddings.create(model="text-embedding-3-small", input="4")


async def test_tokens_per_minute_are_limited_by_what_calls_really_used(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(tokens_per_minute=300)
    client = platform.client(org)
    raw = await client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO, max_tokens=200)
    usage = raw.parse().usage
    assert usage is not None
    raw = await client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO, max_tokens=10)
    left = int(raw.headers["x-ratelimit-remaining-tokens"])
    assert left > 300 - 200, "the first call's reservation was given back when it ended"
    with pytest.raises(openai.RateLimitError) as refusal:
        await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, max_tokens=260)
    assert refusal.value.type == "tokens"
    assert refusal.value.response.headers["x-ratelimit-limit-tokens"] == "300"
    assert refusal.value.response.headers["x-ratelimit-remaining-tokens"] == "0"
    assert refusal.value.response.headers["x-ratelimit-reset-tokens"].endswith("s")
    with pytest.raises(openai.RateLimitError, match="too large") as too_large:
        await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, max_tokens=5_000)
    assert too_large.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize("scope", ["key", "project", "org"])
async def test_a_spent_budget_refuses_with_insufficient_quota(
    platform: Platform, make_org: MakeOrg, scope: str
) -> None:
    budget = Decimal("0.00005")
    org = await make_org(
        key_budget_usd=budget if scope == "key" else None,
        project_budget_usd=budget if scope == "project" else None,
        org_budget_usd=budget if scope == "org" else None,
    )
    client = platform.client(org)

    async def spend_it_all() -> None:
        for number in range(40):
            await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": str(number)}], max_tokens=5
            )

    with pytest.raises(openai.RateLimitError) as refusal:
        await spend_it_all()
    assert refusal.value.code == "insufficient_quota"
    assert refusal.value.type == "insufficient_quota"
    assert int(refusal.value.response.headers["retry-after"]) >= 1
    spent = sum(Decimal(event["data"]["cost_usd"]) for event in platform.usage(org))
    assert 0 < spent <= budget


async def test_a_key_that_redis_does_not_know_yet_gets_all_of_its_requests(
    platform: Platform, make_org: MakeOrg
) -> None:
    for _ in range(5):
        client = platform.client(await make_org(requests_per_minute=5))
        calls = [
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": str(number)}])
            for number in range(20)
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 5
