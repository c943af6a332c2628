"""Batches of providers' own: one for many calls, at their price; and nothing stays held, however they end."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from openai.types import Batch
from psycopg.types.json import Jsonb

from integration.gateway.deferral import lines_repository
from integration.gateway.errors import UpstreamRefused, UpstreamUnreachable
from llmo_data.postgres import DatabaseUnavailable
from local.vendors.openai_journal import Journal
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.deferring import Deferring, failing_once, jsonl
from tests.integration.gateway.metered import held, priced, spent
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import MakeOrg, Org

pytestmark = pytest.mark.usefixtures("files_bucket")


@pytest_asyncio.fixture
async def org(make_org: MakeOrg) -> Org:
    return await make_org(key_budget_usd=Decimal(100))


def asking(custom_id: str, text: str, **body: Any) -> dict[str, Any]:
    call = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": call}


async def ended_in_time(platform: Platform, org: Org, deferring: Deferring, name: str, seconds: float = 60) -> Batch:
    """The batch after some rounds of the schedule."""
    client = platform.client(org)
    for _ in range(40):
        await deferring.advance(org, name)
        found = await client.batches.retrieve(name)
        if found.status in {"completed", "failed", "expired", "cancelled"}:
            return found
        platform.clock.advance(seconds)
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def nothing_is_held(platform: Platform, org: Org) -> bool:
    return await held(platform, org) == 0 and not await platform.redis.zcard(f"{{{org.org_ref}}}:holds")


def batches_made(provider: Journal, about: str) -> int:
    """How many batches the provider was asked for whose files have this text in them."""
    files = [entry for entry in provider.last if entry["path"] == "/v1/files" and about in str(entry["body"])]
    return len(files)


async def test_calls_for_one_model_are_one_batch_of_its_provider_at_half_price(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "half price one"), asking("b", "half price two")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    lines = await deferring.lines(org, ended.output_file_id)
    assert list(lines) == ["a", "b"]
    assert lines["a"]["response"]["body"]["object"] == "chat.completion"
    assert batches_made(platform.provider, "half price one") == 1
    usage = [event["data"] for event in platform.usage(org)]
    assert len(usage) == 2
    total = Decimal(0)
    for data in usage:
        full = priced("gpt-4o-mini", input_tokens=data["input_tokens"], output_tokens=data["output_tokens"])
        assert Decimal(data["cost_usd"]) == full / 2
        assert (data["status"], data["batch"], data["attempts"]) == ("ok", name, 1)
        assert data["price_version"].endswith(" batch")
        total += full / 2
    assert await spent(platform, org) == total
    assert await nothing_is_held(platform, org)


async def test_its_own_provider_gets_them_too_and_by_the_name_that_it_knows(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring, provider: tuple[str, Journal]
) -> None:
    await set_up.provider("own", provider[0], kind="openai", headers=Jsonb({"authorization": "Bearer own"}))
    await set_up.model("fast", "own", price="2")
    name = await deferring.batch(org, jsonl(asking("a", "by another name", model="fast")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    (event,) = platform.usage(org)
    data = event["data"]
    assert (data["requested_model"], data["connection"], data["model"]) == ("fast", "own", "gpt-4o-mini")
    assert Decimal(data["cost_usd"]) == Decimal(data["input_tokens"] + 2 * data["output_tokens"]).scaleb(-6)


async def test_a_routes_calls_are_made_one_by_one(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    await set_up.route("chat", ["gpt-4o-mini"])
    name = await deferring.batch(org, jsonl(asking("a", "by a route", model="chat")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    assert batches_made(platform.provider, "by a route") == 0
    (event,) = platform.usage(org)
    assert event["data"]["route"] == "chat"


async def test_a_substitute_answers_in_the_batch_and_is_not_taken_for_the_model_itself(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    await set_up.policy(substitute_models=Jsonb({"gpt-4o": "gpt-4o-mini"}))
    name = await deferring.batch(org, jsonl(asking("a", "by a substitute", model="gpt-4o")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    (event,) = platform.usage(org)
    data = event["data"]
    full = priced("gpt-4o-mini", input_tokens=data["input_tokens"], output_tokens=data["output_tokens"])
    assert (data["requested_model"], data["model"], Decimal(data["cost_usd"])) == ("gpt-4o", "gpt-4o-mini", full / 2)
    assert await nothing_is_held(platform, org)
    await set_up.policy(org.project_id)  # without a substitute
    live = await platform.client(org).chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": "by a substitute"}]
    )
    assert live.headers["x-llmo-cache"] == "miss"


async def test_a_call_from_a_prompt_is_made_by_itself(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    said = {"messages": [{"role": "system", "content": "You know {{product}}."}]}
    await set_up.prompt("support", said)
    prompt = {"id": "support", "variables": {"product": "trains"}}
    name = await deferring.batch(org, jsonl(asking("a", "from a prompt", prompt=prompt)))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    assert batches_made(platform.provider, "from a prompt") == 0
    (event,) = platform.usage(org)
    assert (event["data"]["prompt"], event["data"]["batch"]) == ("support@1", name)


async def test_a_cached_answer_is_not_handed_over(platform: Platform, org: Org, deferring: Deferring) -> None:
    messages: Any = [{"role": "user", "content": "known already"}]
    await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=messages)

    name = await deferring.batch(org, jsonl(asking("a", "known already")))
    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    assert batches_made(platform.provider, "known already") == 0
    _, event = platform.usage(org)
    assert (event["data"]["cache"], event["data"]["cost_usd"], event["data"]["batch"]) == ("hit", "0", name)


async def test_an_answer_of_a_batch_is_cached(platform: Platform, org: Org, deferring: Deferring) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "known afterwards")))
    await ended_in_time(platform, org, deferring, name)
    messages: Any = [{"role": "user", "content": "known afterwards"}]

    answer = await platform.client(org).chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=messages
    )

    assert answer.headers["x-llmo-cache"] == "hit"


async def test_lines_that_the_provider_refuses_are_errors_and_cost_nothing(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("bad", "[[status=400]]"), asking("good", "fine")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.request_counts is not None
    assert ended.request_counts.to_dict() == {"total": 2, "completed": 1, "failed": 1}
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["bad"]["response"]["status_code"] == 400
    statuses = {event["data"]["status"]: event["data"]["cost_usd"] for event in platform.usage(org)}
    assert statuses["error"] == "0"
    assert await nothing_is_held(platform, org)


async def test_a_providers_batch_that_fails_makes_its_lines_errors(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[batch=failed]]"), asking("b", "with the other one")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    errors = await deferring.lines(org, ended.error_file_id)
    assert list(errors) == ["a", "b"]
    assert "The fault that the file asked for" in errors["a"]["response"]["body"]["error"]["message"]
    assert await spent(platform, org) == 0
    assert await nothing_is_held(platform, org)


async def test_a_provider_that_takes_no_batch_gets_the_calls_one_by_one(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[batch=refused]]")))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    assert list(await deferring.lines(org, ended.output_file_id)) == ["a"]
    (event,) = platform.usage(org)
    data = event["data"]
    full = priced("gpt-4o-mini", input_tokens=data["input_tokens"], output_tokens=data["output_tokens"])
    assert Decimal(data["cost_usd"]) == full
    assert await nothing_is_held(platform, org)


async def test_the_cost_is_set_aside_while_the_provider_works_and_longer_than_for_live_calls(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[stall]]")))
    await deferring.advance(org, name)

    assert await held(platform, org) > 0
    platform.clock.advance(3600)
    await platform.sweep()
    assert await held(platform, org) > 0

    await platform.client(org).batches.cancel(name)
    await ended_in_time(platform, org, deferring, name)
    assert await nothing_is_held(platform, org)


async def test_a_cancelled_batch_is_cancelled_at_its_provider_and_keeps_what_is_done(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("done", "quick"), asking("stuck", "[[stall]]")))
    await deferring.advance(org, name)

    await platform.client(org).batches.cancel(name)
    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "cancelled"
    assert list(await deferring.lines(org, ended.output_file_id)) == ["done"]
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["stuck"]["error"]["code"] == "batch_cancelled"
    assert len(platform.usage(org)) == 1
    assert await nothing_is_held(platform, org)


async def test_a_providers_batch_that_never_ends_expires_with_ours(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("stuck", "[[stall]]")))
    await deferring.advance(org, name)
    waiting = await platform.client(org).batches.retrieve(name)

    ended = await ended_in_time(platform, org, deferring, name, seconds=6 * 3600)

    assert waiting.status == "in_progress"
    assert ended.status == "expired"
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["stuck"]["error"]["code"] == "batch_expired"
    assert await spent(platform, org) == 0
    assert await nothing_is_held(platform, org)


async def test_a_worker_that_dies_before_it_knows_the_providers_batch_makes_no_second_one(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "only one batch of me")))
    kept = deferring.worker._providing._kept
    failing = failing_once(kept.note, DatabaseUnavailable(), when=lambda columns: "provider_batch_id" in columns)
    monkeypatch.setattr(kept, "note", failing)

    with pytest.raises(DatabaseUnavailable):
        await deferring.advance(org, name)
    platform.clock.advance(60)
    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    made = [entry for entry in platform.provider.last if entry["path"] == "/v1/batches" and entry["method"] == "POST"]
    assert sum(entry["body"]["metadata"] == {"batch": name} for entry in made) == 1
    assert len(platform.usage(org)) == 1
    assert await nothing_is_held(platform, org)


async def test_a_worker_that_dies_while_it_sets_aside_leaves_nothing_held_twice(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "held twice?")))
    kept = deferring.worker._providing._kept
    monkeypatch.setattr(kept, "add", failing_once(kept.add, DatabaseUnavailable()))

    with pytest.raises(DatabaseUnavailable):
        await deferring.advance(org, name)
    assert await held(platform, org) > 0
    platform.clock.advance(60)
    await ended_in_time(platform, org, deferring, name)

    assert await nothing_is_held(platform, org)
    assert len(platform.usage(org)) == 1


async def test_outcomes_that_are_taken_back_twice_are_charged_once(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "taken back twice")))
    lines = deferring.worker._providing._lines
    monkeypatch.setattr(lines, "decide", failing_once(lines.decide, DatabaseUnavailable()))

    with pytest.raises(DatabaseUnavailable):
        await ended_in_time(platform, org, deferring, name)
    platform.clock.advance(60)
    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    event, *repeated = platform.usage(org)
    assert {each["id"] for each in repeated} == {event["id"]}  # which consumers keep once
    assert await spent(platform, org) == Decimal(event["data"]["cost_usd"]) > 0
    assert await nothing_is_held(platform, org)


async def test_calls_that_redis_has_forgotten_are_recorded_all_the_same(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[delay=0.5]] forgotten")))
    await deferring.advance(org, name)
    assert await held(platform, org) > 0
    async for key in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:*"):
        await platform.redis.delete(key)

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    (event,) = platform.usage(org)
    assert (event["data"]["status"], event["data"]["batch"]) == ("ok", name)
    assert await nothing_is_held(platform, org)


async def test_a_provider_that_cannot_be_reached_is_asked_again(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "reached later")))
    api = deferring.worker._providing._api
    monkeypatch.setattr(api, "upload", failing_once(api.upload, UpstreamUnreachable()))

    await deferring.advance(org, name)
    waiting = await platform.client(org).batches.retrieve(name)
    ended = await ended_in_time(platform, org, deferring, name)

    assert waiting.status == "in_progress"
    assert ended.status == "completed"
    assert batches_made(platform.provider, "reached later") == 1


async def test_calls_that_do_not_fit_the_budget_together_are_made_one_after_the_other(
    platform: Platform, make_org: MakeOrg, deferring: Deferring
) -> None:
    org = await make_org(key_budget_usd=Decimal("0.000030"))
    lines = [asking(f"{number}", f"does it fit {number}", max_completion_tokens=20) for number in range(6)]
    name = await deferring.batch(org, jsonl(*lines))

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    assert ended.request_counts is not None
    assert 1 <= ended.request_counts.completed < 6
    errors = await deferring.lines(org, ended.error_file_id)
    assert {each["response"]["body"]["error"]["code"] for each in errors.values()} == {"insufficient_quota"}
    assert await spent(platform, org) <= Decimal("0.000030")
    assert await nothing_is_held(platform, org)


async def test_what_an_organization_sets_up_meanwhile_counts_at_once(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring, provider: tuple[str, Journal]
) -> None:
    await ended_in_time(platform, org, deferring, await deferring.batch(org, jsonl(asking("a", "before"))))
    await set_up.provider("own", provider[0], kind="openai", headers=Jsonb({"authorization": "Bearer own"}))
    await set_up.model("fast", "own")

    name = await deferring.batch(org, jsonl(asking("a", "after", model="fast")))
    await deferring.advance(org, name)

    assert (await platform.client(org).batches.retrieve(name)).status == "completed"


async def test_calls_at_a_provider_take_no_place_among_those_under_way(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring
) -> None:
    await set_up.limit(concurrent_requests=1)
    name = await deferring.batch(org, jsonl(asking("a", "[[stall]]"), asking("b", "[[stall]] too")))
    await deferring.advance(org, name)

    await platform.client(org).chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "not held up"}]
    )

    await platform.client(org).batches.cancel(name)
    assert (await ended_in_time(platform, org, deferring, name)).status == "cancelled"


async def test_a_provider_that_is_removed_meanwhile_leaves_errors_and_nothing_held(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring, provider: tuple[str, Journal]
) -> None:
    own = await set_up.provider("own", provider[0], kind="openai", headers=Jsonb({"authorization": "Bearer own"}))
    await set_up.model("fast", "own")
    name = await deferring.batch(org, jsonl(asking("a", "[[stall]]", model="fast")))
    await deferring.advance(org, name)
    await set_up.change("providers", own, removed_at=platform.clock.now())
    deferring.wired.organizations.forget(org.org_ref)  # five minutes later, at the latest

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    errors = await deferring.lines(org, ended.error_file_id)
    assert errors["a"]["response"]["status_code"] == 502
    assert await nothing_is_held(platform, org)


async def test_a_file_that_is_not_there_yet_is_read_later(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await deferring.batch(org, jsonl(asking("a", "[[delay=0.5]] read later"), asking("b", "[[status=400]]")))
    await deferring.advance(org, name)
    api, missing = deferring.worker._providing._api, [UpstreamRefused(404, b"", {})]
    read = api.lines

    def lines(connection: Any, file_id: str) -> Any:
        if missing:
            raise missing.pop()
        return read(connection, file_id)

    monkeypatch.setattr(api, "lines", lines)
    ended = await ended_in_time(platform, org, deferring, name)

    assert not missing
    assert ended.status == "completed"
    assert list(await deferring.lines(org, ended.output_file_id)) == ["a"]
    assert await spent(platform, org) > 0
    assert await nothing_is_held(platform, org)


async def test_taking_back_goes_on_where_the_time_was_up(
    platform: Platform, org: Org, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [asking(f"{number}", f"[[delay=0.02]] {number}") for number in range(20)]
    name = await deferring.batch(org, jsonl(*lines))
    await deferring.advance(org, name)
    providing = deferring.worker._providing
    with monkeypatch.context() as late:
        late.setattr(providing, "_timer", lambda: float("inf"))
        counts: list[int] = []
        async with asyncio.timeout(20):
            while len(counts) < 2:
                platform.clock.advance(60)
                await deferring.advance(org, name)
                found = await platform.client(org).batches.retrieve(name)
                assert found.request_counts is not None
                if found.request_counts.completed > (counts[-1] if counts else 0):
                    counts.append(found.request_counts.completed)

    ended = await ended_in_time(platform, org, deferring, name)
    assert counts[0] == 8
    assert ended.request_counts is not None
    assert ended.request_counts.completed == 20
    assert len(platform.usage(org)) == 20


async def test_calls_for_very_many_embeddings_are_made_one_by_one(
    platform: Platform, org: Org, deferring: Deferring
) -> None:
    def embedding(custom_id: str, count: int) -> dict[str, Any]:
        body = {"model": "text-embedding-3-small", "input": ["very many"] * count}
        return {"custom_id": custom_id, "method": "POST", "url": "/v1/embeddings", "body": body}

    content = jsonl(embedding("many", 1_001), embedding("few", 1_000))
    name = await deferring.batch(org, content, endpoint="/v1/embeddings")
    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    versions = sorted(event["data"]["price_version"].endswith(" batch") for event in platform.usage(org))
    assert versions == [False, True]


async def test_a_replay_whose_outcome_was_lost_is_no_other_calls_event(
    platform: Platform, org: Org, set_up: SetUp, deferring: Deferring, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: Any = [{"role": "user", "content": "replayed, and lost"}]
    await platform.client(org).chat.completions.create(model="gpt-4o-mini", messages=messages)
    name = await deferring.batch(org, jsonl(asking("a", "replayed, and lost")))
    lines = deferring.worker._lines
    with monkeypatch.context() as once:
        once.setattr(lines, "decide", failing_once(lines.decide, DatabaseUnavailable()))
        with pytest.raises(DatabaseUnavailable):
            await deferring.advance(org, name)
    await set_up.purge()
    deferring.wired.organizations.forget(org.org_ref)
    platform.clock.advance(60)

    ended = await ended_in_time(platform, org, deferring, name)

    assert ended.status == "completed"
    live, replayed, made = platform.usage(org)
    assert len({live["id"], replayed["id"], made["id"]}) == 3
    assert (replayed["data"]["cost_usd"], made["data"]["cache"]) == ("0", "miss")


async def test_files_are_written_a_few_outcomes_at_a_time(
    org: Org, deferring: Deferring, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_repository, "_BYTES_AT_ONCE", 1)
    name = await deferring.batch(org, jsonl(*(asking(f"{number}", f"written {number}") for number in range(5))))

    ended = await ended_in_time(platform, org, deferring, name)

    assert list(await deferring.lines(org, ended.output_file_id)) == [f"{number}" for number in range(5)]
