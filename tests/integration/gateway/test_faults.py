"""When the provider, the client, Redis, the bus or the gateway itself fails: nothing leaks and nothing is lost."""

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from redis.exceptions import ConnectionError as RedisConnectionError

from integration.gateway import app
from integration.gateway.errors import StoreUnavailable
from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.organizations import MakeOrg, Org


def ask(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


async def held(platform: Platform, org: Org) -> int:
    """Pico-dollars that calls of this key still hold."""
    total = 0
    async for name in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:spend:*"):
        total += int(await platform.redis.hget(name, "held") or 0)
    return total


async def spent(platform: Platform, org: Org) -> Decimal:
    names = [name async for name in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:spend:key:*")]
    return Decimal(int(await platform.redis.hget(names[0], "spent") or 0)).scaleb(-12)


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("[[status=429]]", openai.RateLimitError, 429),
        ("[[status=400]]", openai.BadRequestError, 400),
        ("[[status=500]]", openai.InternalServerError, 500),
        ("[[status=503]]", openai.InternalServerError, 503),
        ("[[status=401]]", openai.InternalServerError, 502),
        ("[[malformed]]", openai.InternalServerError, 502),
        ("[[drop_after=1]]", openai.InternalServerError, 502),
        ("[[delay=5]]", openai.InternalServerError, 504),
    ],
)
async def test_a_failed_call_is_passed_on_costs_nothing_and_releases_its_hold(
    impatient: Platform, make_org: MakeOrg, fault: str, error: type[openai.APIStatusError], status: int
) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    with pytest.raises(error) as failure:
        await impatient.client(org).chat.completions.create(model="gpt-4o-mini", messages=ask(fault))
    assert failure.value.status_code == status
    assert isinstance(failure.value.body, dict)
    assert failure.value.body["message"]
    if status == 429:
        assert failure.value.response.headers["retry-after"] == "1"
    (event,) = impatient.bus.events_of(org.org_id)
    assert (event["data"]["status"], event["data"]["cost_usd"]) == ("error", "0")
    assert await held(impatient, org) == 0
    assert await spent(impatient, org) == 0


async def test_an_unreachable_provider_is_a_502(run_gateway: RunGateway, org: Org) -> None:
    async with run_gateway(upstream_base_url="http://127.0.0.1:9/v1") as platform:
        with pytest.raises(openai.InternalServerError) as failure:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert failure.value.status_code == 502


async def test_a_client_that_leaves_a_stream_stops_the_provider_and_pays_for_what_came(
    platform: Platform, make_org: MakeOrg
) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    aborted = platform.provider.aborted
    stream = await platform.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=ask("tell me more [[stall]]"), stream=True
    )
    text = ""
    async for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        if text:
            break
    await stream.close()
    async with asyncio.timeout(5):
        await platform.provider.until_aborted(aborted + 1)
    (event,) = await platform.bus.wait_for(org.org_id, 1)
    data = event["data"]
    assert data["status"] == "aborted"
    assert data["estimated"]
    assert data["output_tokens"] > 0
    assert data["input_tokens"] > 0
    assert await spent(platform, org) == Decimal(data["cost_usd"]) > 0
    assert await held(platform, org) == 0


async def test_a_stream_that_breaks_off_ends_with_an_error_and_is_metered(platform: Platform, org: Org) -> None:
    stream = await platform.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=ask("hello [[drop_after=4]]"), stream=True
    )
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
    (event,) = platform.bus.events_of(org.org_id)
    assert (event["data"]["status"], event["data"]["estimated"]) == ("error", True)
    assert event["data"]["output_tokens"] > 0


async def test_a_provider_that_stalls_is_given_up(impatient: Platform, org: Org) -> None:
    stream = await impatient.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=ask("hello [[stall]]"), stream=True
    )
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
    (event,) = impatient.bus.events_of(org.org_id)
    assert event["data"]["error_code"] == "upstream_timeout"


@pytest.mark.parametrize("stream", [False, True])
async def test_missing_usage_is_estimated_close_to_the_truth(platform: Platform, org: Org, stream: bool) -> None:  # noqa: FBT001 - a parameter of the test
    client = platform.client(org)
    for prompt in ("How many tokens are these? [[chunks=30]]", "How many tokens are these? [[chunks=30]] [[no_usage]]"):
        answer = await client.chat.completions.create(model="gpt-4o-mini", messages=ask(prompt), stream=stream)
        if stream:
            assert isinstance(answer, openai.AsyncStream)
            async for _ in answer:
                pass
    reported, estimated = (event["data"] for event in platform.bus.events_of(org.org_id))
    assert (reported["estimated"], estimated["estimated"]) == (False, True)
    assert estimated["output_tokens"] == reported["output_tokens"]
    assert abs(estimated["input_tokens"] - reported["input_tokens"]) <= 10


async def test_a_malformed_chunk_passes_through_and_the_call_is_still_metered(platform: Platform, org: Org) -> None:
    headers = {"authorization": f"Bearer {org.api_key}"}
    call = {"model": "gpt-4o-mini", "messages": ask("hello [[malformed]]"), "stream": True}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{platform.url}/v1/chat/completions", json=call) as response,
    ):
        body = await response.read()
    assert body.endswith(b"data: [DONE]\n\n")
    (event,) = platform.bus.events_of(org.org_id)
    assert (event["data"]["status"], event["data"]["estimated"]) == ("ok", False)


async def test_without_redis_no_call_is_made(run_gateway: RunGateway, org: Org) -> None:
    async with run_gateway(redis_url_secret="nowhere", secrets={"nowhere": "redis://127.0.0.1:9/0"}) as platform:
        asked = platform.provider.requests
        with pytest.raises(openai.InternalServerError) as refusal:
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert refusal.value.status_code == 503
    assert refusal.value.code == "service_unavailable"
    assert int(refusal.value.response.headers["retry-after"]) >= 1
    assert platform.provider.requests == asked


async def test_a_call_made_while_the_bus_is_down_is_published_later(platform: Platform, org: Org) -> None:
    platform.bus.down = True
    try:
        await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    finally:
        platform.bus.down = False
    assert platform.bus.events_of(org.org_id) == []
    await platform.sweep()
    assert platform.bus.events_of(org.org_id) == [], "a young event may still be on its way"
    platform.clock.advance(31)
    await platform.sweep()
    (event,) = platform.bus.events_of(org.org_id)
    assert event["data"]["status"] == "ok"
    assert await platform.redis.xlen(f"{{{org.org_ref}}}:usage") == 0


async def test_the_hold_of_a_dead_gateway_is_released_and_its_call_recorded_once(
    platform: Platform, make_org: MakeOrg
) -> None:
    org = await make_org(key_budget_usd=Decimal(1), tokens_per_minute=1_000_000)
    settle = platform.wired.settlements.settle

    async def dies(*_: object, **__: object) -> bytes:
        raise StoreUnavailable

    platform.bus.down = True
    platform.wired.settlements.settle = dies  # type: ignore[method-assign, assignment]
    try:
        await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO, max_tokens=50)
    finally:
        platform.wired.settlements.settle = settle  # type: ignore[method-assign]
        platform.bus.down = False
    assert await held(platform, org) > 0
    platform.clock.advance(2_000)
    await platform.sweep()
    assert await held(platform, org) == 0
    platform.clock.advance(31)
    await platform.sweep()
    (event,) = platform.bus.events_of(org.org_id)
    assert (event["data"]["status"], event["data"]["estimated"]) == ("lost", True)
    assert await spent(platform, org) == Decimal(event["data"]["cost_usd"]) > 0


async def test_two_calls_under_one_request_id_are_both_settled(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    client = platform.client(org)
    calls = [
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=ask(f"hello {number} [[delay=0.05]]"),
            extra_headers={"x-request-id": "twice"},
        )
        for number in range(2)
    ]
    await asyncio.gather(*calls)
    assert await held(platform, org) == 0
    assert len(platform.bus.events_of(org.org_id)) == 2


async def test_concurrent_calls_never_overspend_a_budget(platform: Platform, make_org: MakeOrg) -> None:
    budget = Decimal("0.0005")
    org = await make_org(org_budget_usd=budget)
    client = platform.client(org)

    async def call(number: int) -> bool:
        try:
            await client.chat.completions.create(model="gpt-4o-mini", messages=ask(f"hello {number}"), max_tokens=60)
        except openai.RateLimitError as refusal:
            # What calls under way hold may be free again, what is spent is not.
            assert refusal.code in {"insufficient_quota", "rate_limit_exceeded"}  # noqa: PT017 - which refusal it is matters
            return False
        return True

    made = await asyncio.gather(*(call(number) for number in range(60)))
    events = platform.usage(org)
    assert 0 < sum(made) < 60
    assert len(events) == sum(made)
    assert sum(Decimal(event["data"]["cost_usd"]) for event in events) <= budget
    assert await held(platform, org) == 0


async def test_a_settlement_whose_answer_is_lost_is_tried_again_and_counts_once(
    platform: Platform, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    run, lost = platform.wired.settlements._settle, [True]

    async def loses_its_first_answer(*arguments: Any) -> Any:
        entry = await run(*arguments)
        if lost:
            lost.clear()
            raise RedisConnectionError("lost")
        return entry

    with monkeypatch.context() as fault:
        fault.setattr(platform.wired.settlements, "_settle", loses_its_first_answer)
        await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    platform.clock.advance(31)
    await platform.sweep()
    (event,) = platform.bus.events_of(org.org_id)
    assert event["data"]["status"] == "ok"
    assert await spent(platform, org) == Decimal(event["data"]["cost_usd"])
    assert await held(platform, org) == 0


async def test_an_admission_whose_answer_is_lost_makes_no_call_and_charges_nothing(
    platform: Platform, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = await make_org(key_budget_usd=Decimal(1))
    await platform.client(org).embeddings.create(model="text-embedding-3-small", input="known by now")
    before = await spent(platform, org)
    admissions, asked = platform.wired.admissions, platform.provider.requests
    run = admissions._admit

    async def loses_its_answer(*arguments: Any) -> Any:
        await run(*arguments)
        raise RedisConnectionError("lost")

    with monkeypatch.context() as fault:
        fault.setattr(admissions, "_admit", loses_its_answer)
        with pytest.raises(openai.InternalServerError):
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    async with asyncio.timeout(5):
        while await held(platform, org):
            pass  # the release is on its way
    assert platform.provider.requests == asked
    assert await spent(platform, org) == before


async def test_a_bus_that_hangs_delays_an_answer_by_a_second_at_most(platform: Platform, org: Org) -> None:
    platform.bus.hanging.clear()
    try:
        async with asyncio.timeout(3):
            await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    finally:
        platform.bus.hanging.set()
    platform.clock.advance(31)
    await platform.sweep()
    assert platform.bus.events_of(org.org_id)


async def test_one_unreadable_event_or_hold_keeps_nobody_elses_waiting(platform: Platform, make_org: MakeOrg) -> None:
    bad, good = await make_org(), await make_org()
    for org in (bad, good):
        await platform.client(org).embeddings.create(model="text-embedding-3-small", input="hello")
    await platform.redis.xadd(f"{{{bad.org_ref}}}:usage", {"event": "{}"})
    await platform.redis.zadd(f"{{{bad.org_ref}}}:holds", {"0" * 32: 1})
    platform.bus.down = True
    try:
        for org in (bad, good):
            await platform.client(org).embeddings.create(model="text-embedding-3-small", input="while it is down")
    finally:
        platform.bus.down = False
    platform.clock.advance(31)
    await platform.sweep()
    for org in (bad, good):
        assert len(platform.bus.events_of(org.org_id)) == 2
        assert await platform.redis.xlen(f"{{{org.org_ref}}}:usage") == 0
    assert await platform.redis.zcard(f"{{{bad.org_ref}}}:holds") == 0


async def test_events_behind_the_answers_survive_a_bus_that_is_down(run_gateway: RunGateway, org: Org) -> None:
    async with run_gateway(usage_publish="background") as platform:
        platform.bus.down = True
        try:
            await platform.client(org).embeddings.create(model="text-embedding-3-small", input="hello")
            await platform.wired.announced()
        finally:
            platform.bus.down = False
        platform.clock.advance(31)
        await platform.sweep()
        assert len(platform.bus.events_of(org.org_id)) == 1


async def test_a_refund_never_gives_back_tokens_that_have_drained(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(tokens_per_minute=1_000)
    client = platform.client(org)

    async def call(text: str, tokens: int) -> None:
        await client.chat.completions.create(model="gpt-4o-mini", messages=ask(text), max_tokens=tokens)

    slow = asyncio.create_task(call("[[chunks=1]] [[delay=0.4]]", 900))
    await platform.until_admitted(org)
    platform.clock.advance(60)  # the first reservation has drained
    other = asyncio.create_task(call("[[chunks=1]] [[delay=0.8]]", 900))
    await slow
    with pytest.raises(openai.RateLimitError):
        await call("third", 900)
    await other


async def test_a_server_that_is_told_too_little_does_not_start() -> None:
    script = Path(app.__file__).with_name("run.sh")
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        script, env={**environment, "AWS_LWA_PORT": "0"}, stderr=asyncio.subprocess.PIPE
    )
    _, log = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode != 0
    assert b"REDIS_URL_SECRET" in log
