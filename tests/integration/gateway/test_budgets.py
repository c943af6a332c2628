"""Limits and budgets that an organization sets, and the alerts of budgets."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from integration.budget_windows import Scope, counter, index
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import scripted
from tests.integration.organizations import Org

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday


class Spender:
    """Somebody whose calls cost a dollar each, and can cost one at the most."""

    def __init__(self, platform: Platform, set_up: SetUp) -> None:
        self._client: AsyncOpenAI = platform.client(set_up.org)

    async def spend(self, times: int = 1, **changes: Any) -> None:
        """Spend so many dollars."""
        for _ in range(times):
            await self._client.chat.completions.create(
                **{
                    "model": "dollar",
                    "messages": [{"role": "user", "content": "x"}],
                    "extra_headers": {"x-llmo-cache": "no-store"},
                    "max_tokens": 1,
                    **changes,
                }
            )

    async def refused(self, **changes: Any) -> openai.RateLimitError:
        """The refusal of a dollar."""
        with pytest.raises(openai.RateLimitError) as refusal:
            await self.spend(**changes)
        return refusal.value


@pytest.fixture
async def spender(platform: Platform, set_up: SetUp) -> Any:
    async with scripted("provider") as provider:
        await set_up.provider("one", provider.url)
        await set_up.model("dollar", "one", price="1")
        yield Spender(platform, set_up)


def alerts(platform: Platform, org: Org) -> list[dict[str, Any]]:
    events = platform.bus.events_of(org.org_id)
    return [event["data"] for event in events if event["type"] == "llmo.integration.budget.threshold_reached"]


@pytest.fixture
def at(platform: Platform) -> Any:
    """Moves the clock to a moment."""

    def move(moment: datetime) -> None:
        platform.clock.advance((moment - platform.clock.now()).total_seconds())

    move(NOON)
    return move


@pytest.mark.parametrize(
    ("window", "same", "next_one"),
    [
        ("day", NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)),
        ("week", datetime(2026, 11, 29, 23, 59, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)),
        ("month", datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
async def test_a_budget_is_for_its_window(
    set_up: SetUp, spender: Spender, at: Any, window: str, same: datetime, next_one: datetime
) -> None:
    await set_up.budget("2", window_kind=window)
    await spender.spend(2)

    at(same)
    refusal = await spender.refused()
    assert refusal.code == "insufficient_quota"
    assert 1 <= int(refusal.response.headers["retry-after"]) <= 60
    at(next_one)
    await spender.spend(2)
    await spender.refused()


async def test_a_day_begins_where_the_organization_is(set_up: SetUp, spender: Spender, at: Any) -> None:
    await set_up.time_zone("Asia/Tokyo")  # nine hours ahead
    await set_up.budget("1", window_kind="day")
    await spender.spend()

    at(datetime(2026, 11, 25, 14, 59, tzinfo=UTC))
    await spender.refused()
    at(datetime(2026, 11, 25, 15, 0, tzinfo=UTC))
    await spender.spend()


async def test_the_month_of_a_keys_own_budget_is_utcs(set_up: SetUp, spender: Spender, at: Any) -> None:
    await set_up.time_zone("Asia/Tokyo")
    await set_up.connection.execute(
        "UPDATE auth.api_keys SET monthly_budget_usd = 1 WHERE id = %s", (set_up.org.key_id,)
    )
    at(datetime(2026, 11, 30, 15, 30, tzinfo=UTC))  # in Tokyo it is December
    await spender.spend()

    refusal = await spender.refused()

    assert timedelta(hours=8) < timedelta(seconds=int(refusal.response.headers["retry-after"])) <= timedelta(hours=8.5)


async def test_a_total_budget_is_for_ever(set_up: SetUp, spender: Spender, at: Any) -> None:
    await set_up.budget("1", window_kind="total")
    await spender.spend()

    at(NOON + timedelta(days=700))

    assert "total budget of this organization" in str(await spender.refused())


async def test_each_end_user_has_a_budget_of_their_own(set_up: SetUp, spender: Spender) -> None:
    await set_up.budget("1", scope="end_user")
    await set_up.budget("2", scope="end_user", subject="vip {}:é")

    await spender.spend(user="ada")
    await spender.refused(user="ada")
    await spender.spend(user="bob")
    await spender.spend(3)  # nobody's
    await spender.spend(user="vip {}:é")
    await spender.refused(user="vip {}:é")


async def test_whom_a_budget_counts_one_by_one_is_indexed_by_what_they_spent(
    platform: Platform, set_up: SetUp, spender: Spender
) -> None:
    tag = f"{{{set_up.org.org_ref}}}"
    each = str(await set_up.budget("5", scope="end_user", window_kind="day"))
    one = str(await set_up.budget("5", scope="end_user", subject="ada", window_kind="day"))
    everybody = str(await set_up.budget("9", window_kind="day"))

    await spender.spend(user="ada")
    await spender.spend(2, user='{bob}\0\n"é')
    await spender.spend(user="ada")
    await spender.spend(user="ada")
    await spender.spend()

    starts = f"{platform.clock.now():%Y-%m-%d}"
    named = f"{tag}{index(each, starts)}"
    found: Any = await platform.redis.zrange(named, 0, -1, desc=True, withscores=True)
    assert found == [(b"ada", 3e12), ('{bob}\0\n"é'.encode(), 2e12)]
    for subject, score in found:
        amounts = await platform.redis.hgetall(f"{tag}{counter(each, Scope.END_USER, subject.decode(), starts)}")
        assert {name: int(amounts[name]) for name in (b"spent", b"held")} == {b"spent": score, b"held": 0}
    assert timedelta(days=40) < timedelta(milliseconds=await platform.redis.pttl(named)) < timedelta(days=42)
    assert not await platform.redis.exists(*(f"{tag}{index(budget, starts)}" for budget in (one, everybody)))


@pytest.mark.parametrize("scope", ["key", "project"])
async def test_a_budget_is_for_whom_it_is_set(set_up: SetUp, spender: Spender, scope: str) -> None:
    own = {"key": set_up.org.key_id, "project": set_up.org.project_id}[scope]
    await set_up.budget("0", scope=scope, subject=str(set_up.org.user_id))
    await spender.spend()

    await set_up.budget("1", scope=scope, subject=str(own))
    await spender.spend()

    assert f"monthly budget of this {scope}" in str(await spender.refused())


async def test_a_soft_budget_tells_and_refuses_nothing(platform: Platform, set_up: SetUp, spender: Spender) -> None:
    budget_id = await set_up.budget("4", hard=False, alerts=[50, 80, 95, 100])

    await spender.spend(6)

    told = alerts(platform, set_up.org)
    assert [(alert["percent"], alert["spent_usd"]) for alert in told] == [(50, "2"), (80, "4"), (95, "4"), (100, "4")]
    assert {alert["budget_id"] for alert in told} == {str(budget_id)}
    assert {(alert["window"], alert["limit_usd"], alert["hard"]) for alert in told} == {("month", "4", False)}


async def test_a_hard_budget_that_lets_nothing_more_through_says_so_once(
    platform: Platform, set_up: SetUp, spender: Spender
) -> None:
    await set_up.budget("2.2", alerts=[90, 100])
    await spender.spend(2)
    for _ in range(2):
        await spender.refused(max_tokens=120_000)  # could cost 24 cents
    platform.clock.advance(31)
    await platform.sweep()

    told = [(alert["percent"], alert["spent_usd"]) for alert in alerts(platform, set_up.org)]
    assert told == [(90, "2"), (100, "2")]


async def test_tokens_of_a_day_are_limited(set_up: SetUp, spender: Spender) -> None:
    await set_up.limit(tokens_per_day=1_100_000)
    await spender.spend()  # a million tokens, as its usage says

    refusal = await spender.refused(max_tokens=120_000)
    assert "tokens per day (TPD): Limit 1100000" in str(refusal)
    assert (refusal.code, refusal.type) == ("rate_limit_exceeded", "tokens")
    await spender.spend()


async def test_requests_of_an_end_user_are_limited(set_up: SetUp, spender: Spender) -> None:
    await set_up.limit(requests_per_minute=2, scope="end_user")

    await spender.spend(2, user="ada")
    assert "this user" in str(await spender.refused(user="ada"))
    await spender.spend(2, user="bob")


async def test_only_so_many_calls_are_under_way_at_once(platform: Platform, set_up: SetUp, spender: Spender) -> None:
    await set_up.limit(concurrent_requests=2)
    async with scripted("slow") as slow:
        await set_up.provider("two", slow.url)
        await set_up.model("slow", "two")
        slow.then("stall", "stall")
        running = [asyncio.create_task(spender.spend(model="slow", stream=True)) for _ in range(2)]
        await slow.until_called(2)

        refusal = await spender.refused()
        assert "concurrent requests: Limit 2" in str(refusal)
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        await platform.until_idle(set_up.org)
        await spender.spend()


async def test_what_is_only_set_aside_may_be_free_again_soon(
    set_up: SetUp, spender: Spender, platform: Platform
) -> None:
    await set_up.budget("12")
    async with scripted("dear") as dear:
        await set_up.provider("two", dear.url)
        await set_up.model("dear", "two", price="100000")  # a call could cost more than half of it
        dear.then("stall")
        running = asyncio.create_task(spender.spend(model="dear", stream=True))
        await platform.until_admitted(set_up.org)

        refusal = await spender.refused(model="dear")
        running.cancel()
        await platform.until_idle(set_up.org)

    assert (refusal.type, refusal.code) == ("requests", "rate_limit_exceeded")
    assert refusal.response.headers["retry-after"] == "1"


async def test_two_hundred_calls_at_once_never_spend_more_than_a_budget(
    platform: Platform, set_up: SetUp, spender: Spender
) -> None:
    await set_up.budget("20", window_kind="day")
    async with scripted("dear") as dear:
        dear.usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
        await set_up.provider("two", dear.url)
        await set_up.model("dear", "two", price="100000")  # a call costs a dollar, and could cost a few

        outcomes = await asyncio.gather(*(spender.spend(model="dear") for _ in range(200)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(outcome, openai.RateLimitError) for outcome in refused)
    assert 1 <= len(outcomes) - len(refused) <= 20
    paid = sum(Decimal(event["data"]["cost_usd"]) for event in platform.usage(set_up.org))
    assert paid == len(outcomes) - len(refused)
    (counters,) = [name async for name in platform.redis.scan_iter(f"{{{set_up.org.org_ref}}}:budget:*")]
    assert await platform.redis.hget(counters, "held") in {b"0", "0"}
