"""Routes whose targets fail: who is asked next, how often, and when nobody is any more."""

import asyncio
from decimal import Decimal

import openai
import pytest

from integration.gateway.journey import FAILURES_THAT_OPEN
from tests.integration.gateway.calling import Caller
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted


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


@pytest.mark.usefixtures("second")
async def test_a_target_that_wants_to_be_left_alone_for_too_long_keeps_nobody_from_another_one(
    set_up: SetUp, caller: Caller, first: Scripted, second: Scripted
) -> None:
    await set_up.route("route", ["small", "large"], attempts=4)
    first.then((429, "600"))
    second.then(503)

    assert await caller.ask() == "second"
    assert (len(first.calls), len(second.calls)) == (1, 2)


async def test_a_time_that_is_no_number_is_none(set_up: SetUp, caller: Caller, first: Scripted) -> None:
    await set_up.route("route", ["small"], attempts=2)
    first.then((429, "nan"))

    assert await caller.ask() == "first"


@pytest.mark.usefixtures("second")
async def test_what_the_deadline_leaves_no_time_for_is_not_asked(
    set_up: SetUp, caller: Caller, first: Scripted
) -> None:
    await set_up.route("route", ["small", "large"], deadline_ms=200)
    first.then("stall")

    with pytest.raises(openai.InternalServerError) as refused:
        await caller.ask()
    assert refused.value.status_code == 504
    assert (caller.last["attempts"], caller.last["connection"]) == (1, "one")


async def test_a_client_that_leaves_while_nobody_is_asked_pays_nothing(
    set_up: SetUp, caller: Caller, platform: Platform, first: Scripted
) -> None:
    await set_up.route("route", ["small"], attempts=2)
    first.then((503, "50"))

    leaving = asyncio.create_task(caller.stream())
    async with asyncio.timeout(5):
        while not await platform.redis.hget(f"{{{set_up.org.org_ref}}}:target:route-0", "failures"):
            pass  # asking takes a round trip
    leaving.cancel()
    await platform.until_idle(set_up.org)
    await platform.bus.wait_for(set_up.org.org_id, 1)

    assert (caller.last["status"], caller.last["cost_usd"], caller.last["input_tokens"]) == ("aborted", "0", 0)
