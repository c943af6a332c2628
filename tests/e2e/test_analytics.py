"""What calls come to, through the front door: by question, in the last minute, for monitoring, and after rollups."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.platform import Json, Key, Platform, ask, unique
from tests.e2e.waiting import eventually

ANALYTICS = "/api/v1/analytics"
MODEL = "gpt-4o-mini"
ROLL = "/_local/schedules/llmo-local-rollup/fire"


async def answered(platform: Platform, key: Key) -> Json:
    """What the key's calls came to, by model."""
    wish = {
        "metrics": ["requests", "cost_usd", "latency_ms_p95"],
        "dimensions": ["model"],
        "filters": [{"dimension": "key", "values": [key.id]}],
    }
    answer = await platform.call("POST", f"{ANALYTICS}/query", json=wish)
    assert answer.status == 200, answer
    return answer.json()


async def test_calls_show_up_within_five_seconds_and_are_the_same_once_they_are_rolled_up(
    platform: Platform, key: Key
) -> None:
    client = platform.client(key.text)
    for _ in range(3):
        await client.chat.completions.create(model=MODEL, messages=ask(unique()))

    async def shown() -> Json | None:
        answer = await answered(platform, key)
        return answer if answer["totals"]["requests"] == 3 else None

    before = await eventually(shown, within=5)
    assert (await platform.call("POST", ROLL, api_key=None)).status in {200, 202, 204}

    after = await answered(platform, key)
    assert (after["data"], after["totals"]) == (before["data"], before["totals"])


async def _counters(lines: AsyncIterator[bytes]) -> Json:
    async for line in lines:
        if line == b"event: counters\n":
            return orjson.loads((await anext(lines)).removeprefix(b"data: "))  # type: ignore[no-any-return]
    raise AssertionError("the stream ended")


async def test_dashboards_see_the_last_minute_change(platform: Platform, key: Key) -> None:
    headers = {"authorization": f"Bearer {platform.api_key}"}
    async with asyncio.timeout(30), platform.http.get(f"{platform.base_url}{ANALYTICS}/live", headers=headers) as live:
        assert live.status == 200
        assert live.headers["content-type"].startswith("text/event-stream")
        lines = aiter(live.content)
        await _counters(lines)
        await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()))
        while not any(each["model"] == MODEL for each in (await _counters(lines))["models"]):
            pass


async def test_prometheus_reads_the_month_with_a_key_as_its_bearer_token(platform: Platform, key: Key) -> None:
    await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()))
    headers = {"authorization": f"Bearer {platform.api_key}"}

    async def scraped() -> list[str] | None:
        async with platform.http.get(f"{platform.base_url}{ANALYTICS}/metrics", headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            families = text_string_to_metric_families(await answer.text())
        named = [
            family.name for family in families if any(sample.labels.get("model") == MODEL for sample in family.samples)
        ]
        return named or None

    assert {"llmo_requests", "llmo_cost_usd", "llmo_request_duration_seconds"} <= set(await eventually(scraped))


async def test_nobody_asks_without_the_permission_to_read_usage(platform: Platform) -> None:
    caller = await platform.make_key(permissions=["llm:call"])
    for path in ("live", "counters", "metrics", "forecast", "performance", "anomalies"):
        assert (await platform.call("GET", f"{ANALYTICS}/{path}", api_key=caller.text)).status == 403
        assert (await platform.call("GET", f"{ANALYTICS}/{path}", api_key=None)).status == 401
