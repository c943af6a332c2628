"""Who operates the platform sees how it does, and nobody else."""

from tests.e2e.platform import Json, Key, Platform, ask, unique
from tests.e2e.waiting import eventually

PATH = "/api/v1/analytics/platform"


async def test_the_operator_sees_calls_as_invocations_with_their_durations_and_cold_starts(
    platform: Platform, key: Key
) -> None:
    for _ in range(3):
        await platform.client(key.text).chat.completions.create(model="gpt-4o-mini", messages=ask(unique()))

    async def shown() -> dict[str, Json] | None:
        answer = await platform.call("GET", PATH)
        assert answer.status == 200, answer
        functions = {each["name"]: each for each in answer.json()["functions"]}
        gateway = functions.get("integration-gateway")
        return functions if gateway and gateway["totals"]["invocations"] >= 3 else None

    functions = await eventually(shown, within=20)

    for name in ("integration-gateway", "authorizer", "analytics-api"):
        totals = functions[name]["totals"]
        durations = totals["duration_ms"]
        assert totals["cold_starts"] >= 1, name
        assert 0 < durations["p50"] <= durations["p95"] <= durations["p99"], name
    assert functions["migrate"]["totals"]["errors"] == 0


async def test_the_operator_sees_every_queue_of_the_stack(platform: Platform) -> None:
    async def shown() -> dict[str, Json] | None:
        queues = {each["name"]: each for each in (await platform.call("GET", PATH)).json()["queues"]}
        return queues if "analytics-usage" in queues else None

    queues = await eventually(shown, within=20)

    assert queues["analytics-usage-dead"]["dead_letters"]
    assert not queues["analytics-usage"]["dead_letters"]
    assert queues["analytics-usage"]["totals"]["oldest_seconds"] >= 0


async def test_others_are_not_shown_how_the_platform_does(platform: Platform) -> None:
    stranger = await platform.make_key(permissions=["llm:call"])

    assert (await platform.call("GET", PATH, api_key=stranger.text)).status == 403
    assert (await platform.call("GET", PATH, api_key=None)).status == 401
