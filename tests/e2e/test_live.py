"""Watching calls while they are settled, through the front door, the authorizer and a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

from tests.e2e.platform import Key, Platform, ask, unique

MODEL = "gpt-4o-mini"
LIVE = "/api/v1/usage/live"


async def _usage(lines: AsyncIterator[bytes]) -> dict[str, Any]:
    """The data of the next event that is a call."""
    async for line in lines:
        if line == b"event: usage\n":
            assert (await anext(lines)).startswith(b"id: ")
            data: dict[str, Any] = orjson.loads((await anext(lines)).removeprefix(b"data: "))
            return data
    raise AssertionError("the stream ended")


async def test_somebody_sees_calls_as_they_are_settled_whoever_they_say_they_are(platform: Platform, key: Key) -> None:
    forged = orjson.dumps({"authorizer": {"org_id": "00000000-0000-0000-0000-000000000000"}}).decode()
    headers = {"authorization": f"Bearer {platform.api_key}", "x-amzn-request-context": forged}
    question = unique()
    async with asyncio.timeout(30), platform.http.get(f"{platform.base_url}{LIVE}", headers=headers) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = aiter(stream.content)
        while await anext(lines) != b": watching\n":
            pass
        client = platform.client(key.text)
        for cache in ("miss", "hit"):
            await client.chat.completions.create(model=MODEL, messages=ask(question))
            seen = await _usage(lines)
            while seen["key_id"] != key.id:
                seen = await _usage(lines)
            assert (seen["cache"], seen["status"], seen["requested_model"]) == (cache, "ok", MODEL)
            assert question not in str(seen)


async def test_nobody_watches_without_the_permission_to_read_usage(platform: Platform) -> None:
    assert (await platform.call("GET", LIVE, api_key=None)).status == 401
    caller = await platform.make_key(permissions=["llm:call"])
    refused = await platform.call("GET", LIVE, api_key=caller.text)
    assert (refused.status, refused.problem()["type"]) == (403, "urn:llmo:problem:missing_permission")
