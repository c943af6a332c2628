"""Routes: names that stand for several targets, of which one answers."""

from datetime import UTC, datetime

import openai
import pytest
from psycopg.types.json import Jsonb

from tests.integration.gateway.calling import Caller
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.gateway.scripted import Scripted, scripted
from tests.integration.organizations import MakeOrg


@pytest.mark.usefixtures("first", "second")
async def test_targets_take_the_calls_that_they_are_meant_for(set_up: SetUp, caller: Caller) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    meant = {"model": "large", "conditions": {"tools": True, "stream": False}}
    await set_up.route("route", [{"model": "small", "conditions": {"tools": False, "max_input_tokens": 1000}}, meant])

    assert [await caller.ask(), await caller.ask(tools=tools)] == ["first", "second"]
    with pytest.raises(openai.BadRequestError) as refused:
        await caller.ask(messages=[{"role": "user", "content": "x" * 5000}])
    assert refused.value.code == "no_target_fits"


@pytest.mark.usefixtures("first", "second")
async def test_the_same_end_user_gets_the_same_variant(set_up: SetUp, caller: Caller) -> None:
    await set_up.route("route", ["small", "large"], strategy="weighted", sticky="end_user")

    answers = {user: {await caller.ask(user=user) for _ in range(3)} for user in map(str, range(12))}

    assert all(len(given) == 1 for given in answers.values())
    assert {answer for given in answers.values() for answer in given} == {"first", "second"}


@pytest.mark.usefixtures("first", "second")
async def test_the_cheapest_and_the_fastest_are_found(set_up: SetUp, caller: Caller) -> None:
    await set_up.route("cheap", ["large", "small"], strategy="cheapest")
    await set_up.route("fast", ["small", "large"], strategy="fastest")

    assert await caller.ask("cheap") == "first"
    assert {await caller.ask("fast"), await caller.ask("fast")} == {"first", "second"}


@pytest.mark.usefixtures("first", "second")
async def test_a_hold_is_for_the_dearest_target(set_up: SetUp, caller: Caller) -> None:
    await set_up.route("route", ["small", "large"])
    org = set_up.org
    await set_up.connection.execute("UPDATE auth.api_keys SET monthly_budget_usd = 0.002 WHERE id = %s", (org.key_id,))

    assert await caller.ask("small", max_tokens=500) == "first"
    with pytest.raises(openai.RateLimitError):
        await caller.ask("route", max_tokens=500)


@pytest.mark.usefixtures("first")
async def test_what_is_set_up_counts_at_the_next_call(set_up: SetUp, caller: Caller, second: Scripted) -> None:
    with pytest.raises(openai.NotFoundError):
        await caller.ask("newer")
    await set_up.model("newer", "one")
    assert await caller.ask("newer") == "first"

    route_id = await set_up.route("route", ["small"])
    assert await caller.ask() == "first"
    await set_up.change("routes", route_id, targets=Jsonb([{"id": "x", "model": "large", "weight": 1}]))
    assert await caller.ask() == "second"
    assert len(second.calls) == 1


async def test_a_cached_answer_is_that_of_the_route_as_it_is(set_up: SetUp, caller: Caller, first: Scripted) -> None:
    route_id = await set_up.route("route", ["small"])
    assert [(await caller.headers())["x-llmo-cache"] for _ in range(2)] == ["miss", "hit"]

    await set_up.change("routes", route_id, attempts=2)

    assert (await caller.headers())["x-llmo-cache"] == "miss"
    assert len(first.calls) == 2


@pytest.mark.usefixtures("first")
async def test_a_deprecated_model_says_so_and_a_retired_one_is_none(set_up: SetUp, caller: Caller) -> None:
    long_ago, ahead = datetime(2026, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    old = await set_up.model("old", "one", deprecated_at=long_ago, retired_at=ahead)

    headers = await caller.headers("old")
    assert (headers["deprecation"], headers["sunset"]) == ("@1767312000", "Fri, 01 Jan 2100 00:00:00 GMT")

    await set_up.change("models", old, retired_at=long_ago, replacement="small")
    with pytest.raises(openai.NotFoundError, match="Use `small` instead"):
        await caller.ask("old")


async def test_a_connections_models_can_be_called_by_their_own_names(
    set_up: SetUp, caller: Caller, platform: Platform
) -> None:
    async with scripted("azure") as provider:
        await set_up.provider("azure", provider.url, kind="azure_openai", api_version="2026-01-01")

        assert await caller.ask("azure/gpt-4o-mini") == "azure"

    assert provider.calls[0]["model"] == "gpt-4o-mini"
    assert provider.urls == ["/v1/chat/completions?api-version=2026-01-01"]
    assert (caller.last["provider"], caller.last["connection"], caller.last["cost_usd"]) == (
        "azure_openai",
        "azure",
        "0.15",
    )
    listed = [model.id async for model in platform.client(set_up.org).models.list()]
    assert "gpt-4o-mini" in listed


@pytest.mark.usefixtures("first")
async def test_what_an_organization_set_up_is_listed_and_nobody_elses(
    set_up: SetUp, platform: Platform, make_org: MakeOrg
) -> None:
    await set_up.route("route", ["small"])
    other = await make_org()

    own = [model.id async for model in platform.client(set_up.org).models.list()]
    assert own[:2] == ["route", "small"]
    assert "small" not in [model.id async for model in platform.client(other).models.list()]
    with pytest.raises(openai.NotFoundError):
        await platform.client(other).chat.completions.create(model="small", messages=HELLO)


async def test_an_answer_from_the_cache_is_nobodys_variant(set_up: SetUp, caller: Caller, first: Scripted) -> None:
    await set_up.route("route", [{"model": "small", "variant": "A"}, {"model": "small", "variant": "B"}])
    for variant, connection, attempts in (("A", "one", 1), (None, None, 0)):
        await caller.headers()
        assert (caller.last["variant"], caller.last["connection"], caller.last["attempts"]) == (
            variant,
            connection,
            attempts,
        )
    assert len(first.calls) == 1


async def test_a_cached_answer_is_that_of_the_targets_as_they_are(
    set_up: SetUp, caller: Caller, first: Scripted
) -> None:
    model_id = await set_up.model("changing", "one")
    await set_up.route("route", ["changing"])
    assert [(await caller.headers())["x-llmo-cache"] for _ in range(2)] == ["miss", "hit"]

    await set_up.change("models", model_id, upstream_model="gpt-4o")

    assert (await caller.headers())["x-llmo-cache"] == "miss"
    assert [call["model"] for call in first.calls] == ["gpt-4o-mini", "gpt-4o"]


@pytest.mark.usefixtures("first")
async def test_loosened_conditions_count_at_the_next_call(set_up: SetUp, caller: Caller) -> None:
    strict = {"id": "x", "model": "small", "weight": 1, "conditions": {"stream": True}}
    route_id = await set_up.route("route", [strict])
    with pytest.raises(openai.BadRequestError):
        await caller.ask()

    await set_up.change("routes", route_id, targets=Jsonb([{**strict, "conditions": {}}]))

    assert await caller.ask() == "first"


@pytest.mark.usefixtures("first")
async def test_a_model_of_ones_own_can_be_read_while_the_deployments_provider_is_down(
    set_up: SetUp, run_gateway: RunGateway
) -> None:
    await set_up.route("route", ["small"])
    async with run_gateway(upstream_base_url="http://127.0.0.1:1/v1") as alone:
        models = alone.client(set_up.org).models
        assert [(await models.retrieve(name)).owned_by for name in ("route", "small")] == ["route", "one"]
        with pytest.raises(openai.InternalServerError):
            await models.list()


@pytest.mark.usefixtures("first")
async def test_a_retired_model_is_not_listed(set_up: SetUp, platform: Platform) -> None:
    await set_up.model("old", "one", retired_at=datetime(2026, 1, 2, tzinfo=UTC))

    models = platform.client(set_up.org).models
    assert "old" not in [model.id async for model in models.list()]
    with pytest.raises(openai.NotFoundError):
        await models.retrieve("old")
