"""Routes: names that stand for several targets, of which one answers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai.types.chat import ChatCompletion
from psycopg.types.json import Jsonb

from integration.gateway.journey import FAILURES_THAT_OPEN
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.conftest import HELLO, Platform
from tests.integration.gateway.scripted import Scripted, scripted
from tests.integration.organizations import MakeOrg


@pytest_asyncio.fixture
async def first(set_up: SetUp) -> AsyncIterator[Scripted]:
    """The organization's provider `one` with the model `small`, a dollar for each call."""
    async with scripted("first") as provider:
        await set_up.provider("one", provider.url)
        await set_up.model("small", "one", price="1")
        yield provider


@pytest_asyncio.fixture
async def second(set_up: SetUp) -> AsyncIterator[Scripted]:
    """Its provider `two` with the model `large`, three dollars for each call."""
    async with scripted("second") as provider:
        await set_up.provider("two", provider.url)
        await set_up.model("large", "two", price="3")
        yield provider


class Caller:
    """Somebody of the organization who makes calls that the cache does not answer."""

    def __init__(self, platform: Platform, set_up: SetUp) -> None:
        self._client = platform.client(set_up.org)
        self._bus, self._org_id = platform.bus, set_up.org.org_id

    async def ask(self, model: str = "route", **changes: Any) -> str | None:
        """Who answers."""
        answer: ChatCompletion = await self._client.chat.completions.create(
            **{"model": model, "messages": HELLO, "extra_headers": {"x-llmo-cache": "no-store"}, **changes}
        )
        return answer.choices[0].message.content

    async def headers(self, model: str = "route", **changes: Any) -> Any:
        """The headers of an answer."""
        raw = await self._client.chat.completions.with_raw_response.create(model=model, messages=HELLO, **changes)
        return raw.headers

    async def stream(self, model: str = "route") -> str:
        """What a stream says."""
        stream = await self._client.chat.completions.create(
            model=model, messages=HELLO, stream=True, extra_headers={"x-llmo-cache": "no-store"}
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    @property
    def last(self) -> dict[str, Any]:
        """The last usage event."""
        data: dict[str, Any] = self._bus.events_of(self._org_id)[-1]["data"]
        return data


@pytest.fixture
def caller(platform: Platform, set_up: SetUp) -> Caller:
    return Caller(platform, set_up)


async def test_the_next_target_answers_what_the_first_one_does_not(
    set_up: SetUp, caller: Caller, first: Scripted, second: Scripted
) -> None:
    await set_up.route("route", ["small", {"model": "large", "variant": "B"}])
    first.then(503)

    headers = await caller.headers()

    assert (headers["x-llmo-target"], headers["x-llmo-attempts"], headers["x-llmo-cost-usd"]) == ("large", "2", "3")
    assert (caller.last["route"], caller.last["variant"], caller.last["connection"]) == ("route", "B", "two")
    assert (caller.last["attempts"], caller.last["status"]) == (2, "ok")
    assert Decimal(caller.last["cost_usd"]) == 3
    assert [call["model"] for call in [*first.calls, *second.calls]] == ["gpt-4o-mini", "gpt-4o-mini"]
    assert caller.last["requested_model"] == "route"


@pytest.mark.parametrize("fault", [429, 500, 401, 404, "text"])
async def test_what_another_target_may_answer_is_asked_of_it(
    set_up: SetUp, caller: Caller, first: Scripted, second: Scripted, fault: int | str
) -> None:
    await set_up.route("route", ["small", "large"])
    first.then(fault)

    assert await caller.ask() == "second"
    assert len(second.calls) == 1


async def test_what_the_call_itself_is_wrong_with_is_asked_once(
    set_up: SetUp, caller: Caller, first: Scripted, second: Scripted
) -> None:
    await set_up.route("route", ["small", "large"])
    first.then(400)

    with pytest.raises(openai.BadRequestError, match="told to answer 400"):
        await caller.ask()
    assert second.calls == []
    assert (caller.last["attempts"], caller.last["http_status"], caller.last["cost_usd"]) == (1, 400, "0")


async def test_the_same_target_is_asked_again_as_often_as_the_route_says(
    set_up: SetUp, caller: Caller, first: Scripted
) -> None:
    await set_up.route("route", ["small"], attempts=3)
    first.then(503, 503, 503, 503)

    with pytest.raises(openai.InternalServerError):
        await caller.ask()
    assert len(first.calls) == 3
    assert caller.last["attempts"] == 3


async def test_a_stream_falls_back_until_its_first_byte_and_not_after(
    set_up: SetUp, caller: Caller, first: Scripted, second: Scripted
) -> None:
    await set_up.route("route", ["small", "large"])
    first.then("empty", "break")

    assert await caller.stream() == "second"
    with pytest.raises(openai.APIError):
        await caller.stream()
    assert len(second.calls) == 1


@pytest.mark.usefixtures("second")
async def test_a_target_that_says_nothing_for_too_long_is_given_up(
    set_up: SetUp, caller: Caller, first: Scripted
) -> None:
    await set_up.route("route", ["small", "large"], first_byte_ms=200)
    first.then("stall")

    assert await caller.stream() == "second"


async def test_the_deadline_ends_all_of_it(set_up: SetUp, caller: Caller, first: Scripted) -> None:
    await set_up.route("route", ["small"], deadline_ms=200)
    first.then("stall")

    with pytest.raises(openai.InternalServerError) as refused:
        await caller.ask()
    assert refused.value.status_code == 504


@pytest.mark.usefixtures("second")
async def test_a_target_that_fails_too_often_is_left_alone_and_tried_once_when_it_may_work_again(
    set_up: SetUp, caller: Caller, platform: Platform, first: Scripted
) -> None:
    await set_up.route("route", ["small", "large"])
    first.then(*[503] * FAILURES_THAT_OPEN)
    for _ in range(FAILURES_THAT_OPEN + 2):
        assert await caller.ask() == "second"
    assert len(first.calls) == FAILURES_THAT_OPEN

    first.then(503)
    platform.clock.advance(31)
    assert await caller.ask() == "second"
    assert len(first.calls) == FAILURES_THAT_OPEN + 1
    assert await caller.ask() == "second"
    assert len(first.calls) == FAILURES_THAT_OPEN + 1

    platform.clock.advance(31)
    await platform.redis.delete(f"{{{set_up.org.org_ref}}}:target:route-0:probe")  # its time is Redis's own
    assert await caller.ask() == "first"
    assert await caller.ask() == "first"


async def test_when_every_target_is_left_alone_they_are_tried_all_the_same(
    set_up: SetUp, caller: Caller, first: Scripted
) -> None:
    await set_up.route("route", ["small"], attempts=1)
    first.then(*[503] * FAILURES_THAT_OPEN)
    for _ in range(FAILURES_THAT_OPEN):
        with pytest.raises(openai.InternalServerError):
            await caller.ask()

    assert await caller.ask() == "first"


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
