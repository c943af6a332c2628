"""Odd deferred calls: deep and indented JSON, providers that want an eternity, setups that change meanwhile."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openai
import pytest
import pytest_asyncio

from integration.gateway.deferral import batches, files, worker
from integration.gateway.deferral.models import batch_id_of
from integration.gateway.errors import UpstreamUnreachable
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring, failing_once, jsonl, line, upload
from tests.integration.gateway.metered import held, priced, spent
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted
from tests.integration.organizations import MakeOrg, Org

pytestmark = pytest.mark.usefixtures("files_bucket")
DEFERRED = {"x-llmo-defer": "true"}
NO_CACHE = {"x-llmo-cache": "no-store"}


@pytest_asyncio.fixture
async def org(make_org: MakeOrg) -> Org:
    return await make_org(key_budget_usd=Decimal(100))


def asking(custom_id: str, text: str) -> dict[str, Any]:
    return line(custom_id, model="gpt-4o-mini", messages=[{"role": "user", "content": text}])


def nested(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


async def unreachable(*_: object) -> str:
    raise UpstreamUnreachable


async def wakes_at_once(platform: Platform, deferring: Deferring, name: str) -> bool:
    found = await deferring.worker._batches.open(now=platform.clock.now(), limit=1_000)
    return batch_id_of(name) in [batch_id for _, batch_id in found]


async def completed_event(platform: Platform, org: Org) -> dict[str, Any]:
    (event,) = [each for each in platform.bus.events_of(org.org_id) if each["type"].endswith("batch.completed")]
    data: dict[str, Any] = event["data"]
    return data


async def test_an_answer_on_many_lines_is_one_line_of_the_output(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    own_provider.then("indented")

    ended = await deferring.ended(org, jsonl(line("a", model="fast")))

    assert ended.output_file_id is not None
    content = (await platform.client(org).files.content(ended.output_file_id)).content
    (only,) = content.splitlines()
    assert json.loads(only)["response"]["body"]["choices"][0]["message"]["content"] == "own"


async def test_an_answer_that_is_nested_too_deeply_is_an_error_that_was_paid_for(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    own_provider.then("deep")

    ended = await deferring.ended(org, jsonl(line("a", model="fast")))

    errors = await deferring.lines(org, ended.error_file_id)
    assert (ended.status, errors["a"]["response"]["status_code"]) == ("completed", 502)
    assert "nested too deeply" in errors["a"]["response"]["body"]["error"]["message"]
    assert Decimal((await completed_event(platform, org))["cost_usd"]) == await spent(platform, org) == 1


@pytest.mark.parametrize("model", ["fast", "gpt-4o-mini"])
async def test_a_call_as_deep_as_a_call_may_be_can_be_deferred(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring, model: str
) -> None:
    client = platform.client(org)
    deepest = {"model": model, "messages": [{"role": "user", "content": "deep"}], "metadata": {"deep": nested(251)}}
    deeper = {**deepest, "other": nested(254)}

    with pytest.raises(openai.BadRequestError, match="nested too deeply"):
        await client.post("/chat/completions", body=deeper, cast_to=object, options={"headers": DEFERRED})
    taken: Any = await client.post("/chat/completions", body=deepest, cast_to=object, options={"headers": DEFERRED})
    for _ in range(20):
        await deferring.advance(org, taken["id"])
        platform.clock.advance(60)
        if (await client.batches.retrieve(taken["id"])).status == "completed":
            break

    answer: Any = await client.get(f"/deferred/{taken['id']}", cast_to=object)
    assert answer["object"] == "chat.completion"
    assert len(own_provider.calls) == (model == "fast")


async def test_a_body_that_is_too_large_for_a_line_is_refused_at_once(platform: Platform, org: Org) -> None:
    messages: Any = [{"role": "user", "content": "x" * 999_000}]

    with pytest.raises(openai.BadRequestError, match="at most 999000 bytes"):
        await platform.client(org).chat.completions.create(
            model="gpt-4o-mini", messages=messages, extra_headers=DEFERRED
        )


@pytest.mark.parametrize("wished", ["1e300", "86400", "99999999999"])
async def test_a_provider_that_wants_to_be_left_alone_for_ever_is_asked_again_within_the_hour(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring, wished: str
) -> None:
    own_provider.then((429, wished))
    name = await deferring.batch(org, jsonl(line("a", model="fast")))

    await deferring.advance(org, name)
    platform.clock.advance(3_600)
    await deferring.advance(org, name)

    assert (await platform.client(org).batches.retrieve(name)).status == "completed"
    assert len(own_provider.calls) == 2


async def test_what_a_provider_has_is_taken_back_while_another_one_wants_a_pause(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    own_provider.then((429, "3000"))
    name = await deferring.batch(org, jsonl(asking("there", "[[delay=0.5]] there"), line("here", model="fast")))
    await deferring.advance(org, name)

    async with asyncio.timeout(10):
        while (
            counts := (await platform.client(org).batches.retrieve(name)).request_counts
        ) is None or not counts.completed:
            platform.clock.advance(60)
            assert await wakes_at_once(platform, deferring, name)
            await deferring.advance(org, name)

    assert counts.to_dict() == {"total": 2, "completed": 1, "failed": 0}


async def test_an_idempotency_key_is_for_a_call_now_or_later_and_not_for_both(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    messages: Any = [{"role": "user", "content": "now or later"}]
    create = client.chat.completions.create
    key = {"idempotency-key": "k"}
    await create(model="gpt-4o-mini", messages=messages, extra_headers=key)

    with pytest.raises(openai.UnprocessableEntityError):
        await create(model="gpt-4o-mini", messages=messages, extra_headers=key | DEFERRED)

    assert (await client.batches.list()).data == []


async def test_a_cancelled_batch_that_its_provider_does_not_stop_is_looked_at_once_a_minute(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[stall]]")))
    await deferring.advance(org, name)
    api = deferring.worker._providing._api
    with monkeypatch.context() as deaf:
        deaf.setattr(api, "cancel", failing_once(api.cancel, UpstreamUnreachable()))
        await platform.client(org).batches.cancel(name)
        at_once = await wakes_at_once(platform, deferring, name)
        await deferring.advance(org, name)

    assert at_once
    assert not await wakes_at_once(platform, deferring, name)
    platform.clock.advance(61)
    assert await wakes_at_once(platform, deferring, name)
    for _ in range(2):
        await deferring.advance(org, name)
        platform.clock.advance(61)
    assert (await platform.client(org).batches.retrieve(name)).status == "cancelled"


async def test_a_slow_batch_does_not_keep_others_waiting(
    platform: Platform, org: Org, own_provider: Scripted, deferring: Deferring
) -> None:
    slow = await deferring.batch(org, jsonl(line("a", model="fast")))
    platform.clock.advance(1)
    quick = await deferring.batch(
        org, jsonl(line("b", model="gpt-4o-mini", messages=[{"role": "user", "content": "b"}]))
    )
    own_provider.hold()
    ticking = asyncio.create_task(deferring.worker.tick())
    await own_provider.until_called(1)

    async with asyncio.timeout(10):
        while (await platform.client(org).batches.retrieve(quick)).status != "completed":
            platform.clock.advance(1)
            await deferring.advance(org, quick)
    own_provider.let_go()
    await ticking

    assert (await platform.client(org).batches.retrieve(slow)).status == "completed"


async def test_a_policy_that_is_set_before_the_hand_over_counts_for_what_is_handed_over_and_held(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up.policy(max_output_tokens=7)
    name = await deferring.batch(org, jsonl(asking("a", "[[stall]] capped or not")))
    with monkeypatch.context() as away:
        away.setattr(deferring.worker._providing._api, "upload", unreachable)
        await deferring.advance(org, name)
    small = await held(platform, org)
    await set_up.policy(org.project_id)  # without a cap

    platform.clock.advance(60)
    deferring.wired.organizations.forget(org.org_ref)
    await deferring.advance(org, name)

    assert small < await held(platform, org)
    (file,) = [each for each in platform.provider.last if each["path"] == "/v1/files"][-1:]
    assert "capped or not" in str(file["body"])
    assert "max_completion_tokens" not in str(file["body"])


async def test_a_policy_that_is_set_after_the_hand_over_changes_no_numbers(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    text = "[[delay=0.5]] handed over"
    name = await deferring.batch(org, jsonl(asking("a", text)))
    await deferring.advance(org, name)
    await set_up.policy(org.project_id, compact=True, max_output_tokens=3)
    deferring.wired.organizations.forget(org.org_ref)

    async with asyncio.timeout(10):
        while (await platform.client(org).batches.retrieve(name)).status != "completed":
            platform.clock.advance(60)
            await deferring.advance(org, name)

    (event,) = platform.usage(org)
    data = event["data"]
    full = priced("gpt-4o-mini", input_tokens=data["input_tokens"], output_tokens=data["output_tokens"])
    assert (Decimal(data["cost_usd"]), data["saved_usd"], data["optimizations"]) == (full / 2, "0", [])
    assert await held(platform, org) == 0
    live = await platform.client(org).chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}]
    )
    assert live.headers["x-llmo-cache"] == "miss"


async def test_an_answer_that_a_guardrail_blocks_counts_for_what_the_batch_cost(
    platform: Platform, org: Org, set_up: SetUp, own_provider: Scripted, deferring: Deferring
) -> None:
    own_provider.name = "own words"
    await set_up.guardrail("own", "deny", "block", stage="output", words=["own"])

    ended = await deferring.ended(org, jsonl(line("a", model="fast")))

    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["a"]["response"]["body"]["error"]["code"] == "content_filter"
    assert Decimal((await completed_event(platform, org))["cost_usd"]) == await spent(platform, org) == 1


async def test_a_guardrail_that_is_set_after_the_hand_over_looks_at_the_answer(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[delay=0.5]] looked at afterwards")))
    await deferring.advance(org, name)
    await set_up.guardrail("anything", "pattern", "block", stage="output", pattern=".")
    deferring.wired.organizations.forget(org.org_ref)

    async with asyncio.timeout(10):
        while (ended := await platform.client(org).batches.retrieve(name)).status != "completed":
            platform.clock.advance(60)
            await deferring.advance(org, name)

    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["a"]["response"]["body"]["error"]["code"] == "content_filter"
    (event,) = platform.usage(org)
    assert (event["data"]["status"], event["data"]["guardrails"][0]["name"]) == ("blocked", "anything")
    cost = Decimal((await completed_event(platform, org))["cost_usd"])
    assert cost == await spent(platform, org) == Decimal(event["data"]["cost_usd"]) > 0


async def test_a_worker_that_is_late_does_not_end_the_lease_of_the_next_one(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(line("a", model="gpt-4o-mini")))
    kept, batch_id = deferring.worker._batches, batch_id_of(name)
    now = platform.clock.now()
    ends, later = now + timedelta(minutes=15), now + timedelta(minutes=16)
    late = await kept.lease(org.org_id, batch_id, now=now, until=ends)
    assert late is not None
    assert await kept.lease(org.org_id, batch_id, now=later, until=later + timedelta(minutes=15)) is not None

    await kept.release(late, until=ends, wakes_at=later)

    assert await kept.lease(org.org_id, batch_id, now=later, until=later + timedelta(minutes=20)) is None


async def test_a_project_has_a_bound_of_open_batches_of_its_own(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_OPEN", 2)
    content = jsonl(line("a", model="gpt-4o-mini"))
    first, _second = [await deferring.batch(org, content) for _ in range(2)]

    with pytest.raises(openai.RateLimitError) as refused:
        await deferring.batch(org, content)
    with pytest.raises(openai.RateLimitError):
        await platform.client(org).chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}], extra_headers=DEFERRED
        )
    await deferring.advance(org, first)

    assert refused.value.code == "batch_limit_exceeded"
    assert await deferring.batch(org, content)


async def test_a_project_has_a_bound_of_calls_that_wait(
    org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOST_WAITING", 3)
    waits = await deferring.batch(org, jsonl(asking("a", "[[stall]] one"), asking("b", "[[stall]] two")))
    await deferring.advance(org, waits)

    refused = await deferring.ended(org, jsonl(asking("a", "three"), asking("b", "four")))
    taken = await deferring.ended(org, jsonl(asking("a", "three")))

    assert refused.status == "failed"
    assert refused.errors is not None
    assert refused.errors.data is not None
    assert [each.code for each in refused.errors.data] == ["request_limit_exceeded"]
    assert taken.status == "completed"


async def test_a_project_has_a_bound_of_bytes_in_its_files(
    platform: Platform, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = platform.client(org)
    monkeypatch.setattr(files, "MOST_FILE_BYTES", 10)
    made = await upload(client, b"seven..")

    with pytest.raises(openai.BadRequestError) as refused:
        await upload(client, b"four")
    await client.files.delete(made)

    assert refused.value.code == "storage_limit_exceeded"
    assert await upload(client, b"four")
