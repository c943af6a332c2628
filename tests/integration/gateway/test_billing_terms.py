"""What billing says that an organization may do counts at its next call."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from integration.budget_windows import Scope, counter
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring, jsonl, line
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.gateway.scripted import Scripted, scripted
from tests.integration.gateway.telling import SINCE, Billing
from tests.integration.organizations import MakeOrg, Org

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
FRESH = {"x-llmo-cache": "no-store"}


class Caller:
    """Somebody whose calls cost a dollar each; those to the model `dear` could cost a few."""

    def __init__(self, platform: Platform, org: Org) -> None:
        self.client: AsyncOpenAI = platform.client(org)

    async def call(self, model: str = "fast", **headers: str) -> Any:
        """Make a call that no cache answers."""
        return await self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "x"}], max_tokens=1, extra_headers={**FRESH, **headers}
        )

    async def refused(self, model: str = "fast") -> openai.RateLimitError:
        """The refusal of a call."""
        with pytest.raises(openai.RateLimitError) as refusal:
            await self.call(model)
        return refusal.value


@pytest.fixture
def caller(platform: Platform, org: Org, own_provider: Scripted) -> Caller:
    assert own_provider.name == "own"
    platform.clock.advance((NOON - platform.clock.now()).total_seconds())
    return Caller(platform, org)


@pytest_asyncio.fixture
async def dear(set_up: SetUp) -> AsyncIterator[Scripted]:
    async with scripted("dear") as provider:
        provider.usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
        await set_up.provider("dear", provider.url)
        await set_up.model("dear", "dear", price="100000")
        yield provider


def alerts(platform: Platform, org: Org) -> list[dict[str, Any]]:
    events = platform.bus.events_of(org.org_id)
    return [event["data"] for event in events if event["type"] == "llmo.integration.budget.threshold_reached"]


async def counted(platform: Platform, org: Org, budget: str, starts: str) -> dict[str, str]:
    name = counter(budget, Scope.ORGANIZATION, str(org.org_id), starts)
    found = await platform.redis.hgetall(f"{{{org.org_ref}}}{name}")
    return {_text(name): _text(value) for name, value in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.usefixtures("dear")
async def test_a_spend_cap_is_never_exceeded_by_calls_that_are_made_at_once(
    platform: Platform, org: Org, caller: Caller, billing: Billing
) -> None:
    await billing.tell(billing.cap("20"))

    ended = await asyncio.gather(*(caller.call("dear") for _ in range(200)), return_exceptions=True)

    made = [each for each in ended if not isinstance(each, BaseException)]
    refused = [each for each in ended if isinstance(each, BaseException)]
    assert 1 <= len(made) <= 20
    assert {type(each) for each in refused} == {openai.RateLimitError}
    kept = await counted(platform, org, "spend_cap", "2026-11-01")
    assert (kept["spent"], kept["held"]) == (str(len(made) * 10**12), "0")
    await billing.tell(billing.cap(str(len(made))))
    refusal = await caller.refused()
    assert refusal.code == "insufficient_quota"
    assert "spend cap of your organization" in str(refusal)
    assert "PUT /api/v1/billing/spend-cap" in str(refusal)


async def test_a_call_that_waits_for_what_others_hold_is_told_that_it_is_the_spend_cap(
    dear: Scripted, caller: Caller, billing: Billing
) -> None:
    await billing.tell(billing.cap("20"))
    dear.hold()
    waiting = [asyncio.create_task(caller.call("dear")) for _ in range(20)]
    await dear.until_called(1)

    refusal = await caller.refused("dear")

    assert refusal.code == "rate_limit_exceeded"
    assert "spend cap of your organization is set aside" in str(refusal)
    dear.let_go()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_spend_cap_begins_anew_with_the_organizations_month_and_tells_of_its_thresholds(
    platform: Platform, org: Org, set_up: SetUp, caller: Caller, billing: Billing
) -> None:
    await set_up.time_zone("Asia/Tokyo")
    await billing.tell(billing.cap("2"))
    await caller.call()
    await caller.call()
    await caller.refused()
    told = [(each["budget_id"], each["scope"], each["percent"], each["limit_usd"]) for each in alerts(platform, org)]
    assert sorted(told) == [("spend_cap", "organization", percent, "2") for percent in (50, 80, 95, 100)]

    platform.clock.advance((datetime(2026, 11, 30, 15, 1, tzinfo=UTC) - NOON).total_seconds())  # December in Tokyo

    await caller.call()


async def test_a_cap_that_is_raised_or_taken_away_counts_at_the_next_call(caller: Caller, billing: Billing) -> None:
    await billing.tell(billing.cap("1"))
    await caller.call()
    await caller.refused()

    await billing.tell(billing.cap("2"))
    await caller.call()
    await caller.refused()

    await billing.tell(billing.cap(None))
    await caller.call()


async def test_prepaid_credit_is_what_calls_may_cost_since_it_began(
    platform: Platform, org: Org, caller: Caller, billing: Billing
) -> None:
    await caller.call()  # before it began
    await billing.tell(billing.prepaid("2"))
    for _ in range(2):
        await caller.call()
    refusal = await caller.refused()
    assert refusal.code == "insufficient_quota"
    assert "prepaid credit of your organization is used up" in str(refusal)
    assert "POST /api/v1/billing/wallets/{id}/top-ups" in str(refusal)

    await billing.tell(billing.prepaid("3"))
    await caller.call()
    await caller.refused()

    await billing.tell(billing.prepaid("1", since=SINCE + timedelta(days=1)))  # it ended, and began again
    await caller.call()
    await caller.refused()

    await billing.tell(billing.prepaid(None))
    await caller.call()
    kept = await counted(platform, org, f"prepaid@{int(SINCE.timestamp() * 1000)}", "total")
    assert kept["spent"] == str(3 * 10**12)


async def test_prepaid_credit_holds_nothing_before_it_begins(
    platform: Platform, caller: Caller, billing: Billing
) -> None:
    await billing.tell(billing.prepaid("0", since=NOON + timedelta(minutes=1)))
    await caller.call()

    platform.clock.advance(61)

    await caller.refused()


async def test_a_restricted_organization_makes_a_few_calls_and_is_told_why(
    platform: Platform, caller: Caller, billing: Billing
) -> None:
    await billing.tell(billing.restricted())
    for _ in range(platform.settings.restricted_rpm):
        await caller.call()

    refusal = await caller.refused()

    assert refusal.code == "rate_limit_exceeded"
    assert "restricted because an invoice is overdue" in str(refusal)
    await billing.tell(billing.restored())
    await caller.call()


@pytest.mark.usefixtures("files_bucket")
async def test_a_restricted_organization_makes_no_calls_for_later(
    org: Org, caller: Caller, deferring: Deferring, billing: Billing
) -> None:
    await billing.tell(billing.restricted())

    for making in (deferring.batch(org, jsonl(line("a", model="fast"))), caller.call(**{"x-llmo-defer": "true"})):
        with pytest.raises(openai.PermissionDeniedError) as refusal:
            await making
        assert refusal.value.code == "billing_not_active"
        assert "no batches" in str(refusal.value)

    await billing.tell(billing.restored())
    assert (await deferring.ended(org, jsonl(line("a", model="fast", max_tokens=1)))).status == "completed"


@pytest.mark.usefixtures("files_bucket")
async def test_the_calls_of_a_batch_are_refused_once_its_organization_is_suspended(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring, billing: Billing
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="fast"), line("b", model="fast")))
    await billing.tell(billing.suspended())

    await deferring.advance(org, name)

    batch = await platform.client(org).batches.retrieve(name)
    lines = await deferring.lines(org, batch.error_file_id)
    assert [lines[each]["response"]["status_code"] for each in ("a", "b")] == [403, 403]
    assert lines["a"]["response"]["body"]["error"]["code"] == "billing_not_active"
    assert own_provider.calls == []


async def test_a_suspended_organization_gets_nothing_not_even_what_is_stored_and_its_client_does_not_try_again(
    platform: Platform, org: Org, own_provider: Scripted, billing: Billing
) -> None:
    client = AsyncOpenAI(base_url=f"{platform.url}/v1", api_key=org.api_key, max_retries=3)
    cached = client.with_options(default_headers={"x-llmo-cache": "exact"})
    for _ in range(2):
        await cached.chat.completions.create(model="fast", messages=HELLO, temperature=0)
    assert len(own_provider.calls) == 1

    await billing.tell(billing.suspended())

    before = len(platform.bus.events_of(org.org_id))
    for stream in (False, True):
        with pytest.raises(openai.PermissionDeniedError) as refusal:
            await cached.chat.completions.create(model="fast", messages=HELLO, temperature=0, stream=stream)
    assert refusal.value.body == {
        "message": refusal.value.body["message"],  # type: ignore[index]
        "type": "billing_not_active",
        "param": None,
        "code": "billing_not_active",
    }
    assert "GET /api/v1/billing/invoices" in str(refusal.value)
    with pytest.raises(openai.PermissionDeniedError):
        await client.embeddings.create(model="nothing-like-it", input="x")
    assert len(platform.bus.events_of(org.org_id)) == before

    await billing.tell(billing.restored())
    await cached.chat.completions.create(model="fast", messages=HELLO, temperature=0)
    await client.close()


async def test_a_stranger_is_not_told_that_an_organization_is_suspended(
    platform: Platform, org: Org, caller: Caller, billing: Billing
) -> None:
    await billing.tell(billing.suspended())
    with pytest.raises(openai.PermissionDeniedError):
        await caller.call()
    swapped = org.api_key[:-7] + ("a" if org.api_key[-7] != "a" else "b") + org.api_key[-6:]

    with pytest.raises(openai.AuthenticationError):
        await platform.client_with(swapped).chat.completions.create(model="fast", messages=HELLO)


async def test_of_what_is_told_in_any_order_and_more_than_once_the_highest_revision_counts(
    caller: Caller, billing: Billing
) -> None:
    newest = billing.restored(revision=3)
    await billing.tell(newest, billing.suspended(revision=2), billing.restricted(revision=1), newest)
    await billing.tell(billing.cap("5", revision=2), billing.cap("0", revision=1))
    await caller.call()

    await billing.tell(billing.suspended(revision=4), newest)

    with pytest.raises(openai.PermissionDeniedError):
        await caller.call()


async def test_what_is_told_of_one_organization_is_nothing_to_another(
    platform: Platform, make_org: MakeOrg, caller: Caller, billing: Billing
) -> None:
    other = await make_org()
    await billing.tell(billing.suspended(), billing.cap("0", revision=1))

    answer = await platform.client(other).chat.completions.create(model="gpt-4o-mini", messages=HELLO)

    assert answer.choices
    with pytest.raises(openai.PermissionDeniedError):
        await caller.call()


async def test_terms_of_an_organization_that_is_gone_are_taken_and_forgotten(
    set_up: SetUp, billing: Billing, org: Org
) -> None:
    await set_up.connection.execute("UPDATE auth.organizations SET closed_at = now() WHERE id = %s", (org.org_id,))

    await billing.tell(billing.suspended())

    kept = await set_up.connection.execute("SELECT 1 FROM integration.billing_terms WHERE org_id = %s", (org.org_id,))
    assert await kept.fetchone() is None
