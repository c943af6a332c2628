"""Dry runs through their Lambda handler: calls that analytics keeps, replayed at the organization's prices."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from analytics.usage.repository import MongoUsageStore
from integration.dry_runs import api, service, wiring
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.integration.analytics.calls import call, delivered
from tests.integration.gateway.configuring import SetUp
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

SAMPLE = Path(__file__).parents[3] / "events" / "DryRunFunction" / "last-week.json"
NOW = datetime.now(UTC)
LARGE = {"input_tokens": 100_000, "output_tokens": 0, "cost_usd": "0.015", "cached_input_tokens": 0}


@pytest_asyncio.fixture(autouse=True)
async def wired(lambda_environment: pytest.MonkeyPatch, postgres: Postgres) -> AsyncIterator[None]:
    for name, value in postgres.environment("llmo_integration").items():
        lambda_environment.setenv(name, value)
    yield
    await asyncio.to_thread(lambda: run(wiring.close()))


@pytest_asyncio.fixture
async def set_up(make_org: MakeOrg, redis_client: Redis, org: Org) -> SetUp:
    return SetUp(make_org.connection, redis_client, org)


async def past(store: MongoUsageStore, org_id: UUID, *calls: dict[str, Any]) -> None:
    """Calls of yesterday, a minute apart."""
    begun = NOW - timedelta(days=1)
    made = [
        call(org_id, **{"started_at": (begun + timedelta(minutes=number)).isoformat(), **fields})
        for number, fields in enumerate(calls)
    ]
    await store.add([delivered(each) for each in made])


async def asked(org: Org, body: Any, *, permissions: str = "usage:read") -> tuple[int, Any]:
    event = json.loads(SAMPLE.read_text())
    event["requestContext"]["authorizer"] |= {"org_id": str(org.org_id), "permissions": permissions}
    event["body"] = body if isinstance(body, str) else json.dumps(body)
    answer = await asyncio.to_thread(api.handler, event, None)
    return answer["statusCode"], json.loads(answer["body"])


async def test_a_cheaper_model_and_the_cache_would_have_saved_so_much(store: MongoUsageStore, org: Org) -> None:
    asked_for = {"requested_model": "gpt-4o", "model": "gpt-4o-2024-08-06", **LARGE, "cost_usd": "0.25"}
    equal = {**LARGE, "fingerprint": "0123456789abcdef"}
    await past(store, org.org_id, asked_for, equal, equal, {**LARGE, "status": "error"})

    status, found = await asked(
        org, {"policy": {"substitute_models": {"gpt-4o": "gpt-4o-mini"}, "compact": True, "cache": "form"}}
    )

    assert status == 200
    told = {name: found[name] for name in ("calls", "cost_usd", "would_have_cost_usd", "saved_usd", "saved_percent")}
    assert told == {
        "calls": 4,
        "cost_usd": "0.295",
        "would_have_cost_usd": "0.045",
        "saved_usd": "0.25",
        "saved_percent": 84.75,
    }
    effects = {each["optimization"]: (each["calls"], each["saved_usd"]) for each in found["effects"]}
    assert effects == {"substitute": (1, "0.235"), "cache": (1, "0.015")}
    assert (found["left_out"], found["not_estimated"], found["whole"]) == (
        {"failed": 1},
        ["compact", "cache: form"],
        True,
    )


async def test_other_organizations_calls_are_not_replayed(store: MongoUsageStore, org: Org) -> None:
    await past(store, new_id(), LARGE)

    assert (await asked(org, {"policy": {}}))[1]["calls"] == 0


async def test_calls_are_narrowed_by_project_key_and_time(store: MongoUsageStore, org: Org) -> None:
    project, key = new_id(), new_id()
    old = {"started_at": (NOW - timedelta(days=8)).isoformat()}
    await past(store, org.org_id, {"project_id": str(project)}, {"key_id": str(key)}, old)

    counts = [
        (await asked(org, {"policy": {}, **narrowed}))[1]["calls"]
        for narrowed in (
            {},
            {"project_id": str(project)},
            {"key_id": str(key)},
            {"since": (NOW - timedelta(days=9)).isoformat()},
            {"since": (NOW - timedelta(days=9)).isoformat(), "until": (NOW - timedelta(days=7)).isoformat()},
        )
    ]

    assert counts == [2, 1, 1, 3, 1]


async def test_own_prices_of_an_organization_count(store: MongoUsageStore, org: Org, set_up: SetUp) -> None:
    await set_up.provider("own", "https://models.example.org/v1")
    await set_up.model("fast", "own", price="1")  # of gpt-4o-mini, as the provider calls it
    await set_up.model("slow", "own", price="4", upstream_model="big")
    await past(
        store,
        org.org_id,
        {"requested_model": "slow", "model": "big", "connection": "own", **LARGE, "cost_usd": "0.4"},
    )

    _, found = await asked(org, {"policy": {"substitute_models": {"slow": "fast"}}})

    assert (found["cost_usd"], found["would_have_cost_usd"]) == ("0.4", "0.1")


async def test_of_more_calls_than_can_be_replayed_the_first_ones_are(
    store: MongoUsageStore, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    await past(store, org.org_id, *[LARGE] * 4)
    monkeypatch.setattr(service, "MOST_CALLS", 3)

    _, found = await asked(org, {"policy": {}})

    assert (found["calls"], found["whole"]) == (3, False)
    assert datetime.fromisoformat(found["until"]) < NOW - timedelta(hours=20)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        {},
        {"policy": {"trim_to_tokens": -1}},
        {"policy": {}, "since": "yesterday"},
        {"policy": {}, "since": 1},
        {"policy": {}, "since": "2026-11-20T00:00:00Z", "until": "2026-11-20T00:00:00Z"},
        {"policy": {}, "project_id": "all"},
        {"policy": {}, "models": []},
    ],
)
async def test_questions_that_make_no_sense_are_refused(org: Org, body: Any) -> None:
    assert (await asked(org, body))[0] == 422


async def test_it_takes_the_right_to_read_usage(org: Org) -> None:
    assert (await asked(org, {"policy": {}}, permissions="models:read models:write"))[0] == 403


@pytest.mark.usefixtures("without_store")
async def test_without_the_store_of_usage_it_says_so(org: Org) -> None:
    assert (await asked(org, {"policy": {}}))[0] == 503


async def test_what_nobody_can_replay_is_named(org: Org, set_up: SetUp) -> None:
    await set_up.route("cheap", ["gpt-4o-mini"])

    _, found = await asked(org, {"policy": {"substitute_models": {"gpt-4o": "cheap"}, "prompt_cache": True}})

    assert found["not_estimated"] == ["prompt_cache", "substitute_models: cheap"]


async def test_hits_cost_what_they_cost_and_would_have_cost_what_they_saved_besides(
    store: MongoUsageStore, org: Org
) -> None:
    hit = {"cache": "hit", "cost_usd": "0.001", "saved_usd": "0.014", "cache_match": "semantic"}
    await past(store, org.org_id, {**LARGE, "fingerprint": "a" * 16}, {**LARGE, **hit, "fingerprint": "b" * 16})

    _, found = await asked(org, {"policy": {"cache": "off"}})

    assert (found["cost_usd"], found["would_have_cost_usd"], found["saved_usd"]) == ("0.016", "0.03", "-0.014")
