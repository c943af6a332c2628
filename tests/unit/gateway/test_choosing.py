"""Choosing among targets."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.choices import Sticky, Strategy
from integration.gateway.call import Call
from integration.gateway.calls import read_call
from integration.gateway.choosing import fitting, ordered
from integration.gateway.destinations import Conditions, Route, RouteTarget
from integration.gateway.endpoints.completions import ChatCompletions
from integration.gateway.metering import Size
from integration.gateway.models import Health
from integration.gateway.organization import Organization
from integration.gateway.planning import Plan, Planner, Target
from integration.gateway.pricing import PriceTable

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1")
PLANNER = Planner(PriceTable({}, now=lambda: NOW), now=lambda: NOW)
CHAT = ChatCompletions()
RAW = b'{"model": "route", "messages": [{"role": "user", "content": "hi"}]}'


def route(strategy: Strategy, *weights: int, sticky: Sticky = Sticky.NONE, **conditions: Any) -> Route:
    targets = [
        RouteTarget(f"t{number}", MODELS[number], weight, None, Conditions(**conditions))
        for number, weight in enumerate(weights)
    ]
    return Route("route", "v1", strategy, sticky, 3, 60.0, 30.0, 30.0, tuple(targets))


def plan(made: Route) -> Plan:
    return PLANNER.plan(Organization(routes={"route": made}), CHAT.units, "route")


def call(made: Route, **changes: Any) -> Call:
    read = read_call(CHAT, RAW, {}, lambda _: plan(made))
    return replace(read, **changes)


def names(targets: list[Target]) -> list[str]:
    return [target.id for target in targets]


def open_for(milliseconds: int) -> Health:
    return Health(open_until=NOW_MS + milliseconds, failures=9)


def choose(made: Route, *, seed: int = 0, who: str = "key", **changes: Any) -> list[str]:
    health = changes.pop("health", {})
    asked = call(made, **changes)
    targets = fitting(plan(made), asked)
    return names(
        ordered(made, targets, asked, health=health, who=who, now_ms=NOW_MS, draw=Random(seed).random)  # noqa: S311
    )


def test_weights_are_how_often_a_target_comes_first() -> None:
    made = route(Strategy.WEIGHTED, 70, 25, 5)

    first = Counter(choose(made, seed=seed)[0] for seed in range(4000))

    shares = [first[name] / 4000 for name in ("t0", "t1", "t2")]
    assert shares == pytest.approx([0.70, 0.25, 0.05], abs=0.03)


def test_sticky_choices_have_the_same_shares_and_never_change() -> None:
    made = route(Strategy.WEIGHTED, 70, 25, 5, sticky=Sticky.END_USER)

    first = Counter(choose(made, seed=user, end_user=f"user {user}")[0] for user in range(4000))

    assert [first[name] / 4000 for name in ("t0", "t1", "t2")] == pytest.approx([0.70, 0.25, 0.05], abs=0.03)
    assert choose(made, seed=1, end_user="u") == choose(made, seed=2, end_user="u")


def test_a_sticky_choice_without_an_end_user_is_drawn() -> None:
    made = route(Strategy.WEIGHTED, 1, 1, sticky=Sticky.END_USER)
    assert {choose(made, seed=seed)[0] for seed in range(20)} == {"t0", "t1"}


@pytest.mark.parametrize(
    ("strategy", "health", "order"),
    [
        (Strategy.PRIORITY, {}, ["t0", "t1", "t2"]),
        (Strategy.CHEAPEST, {}, ["t1", "t2", "t0"]),
        (Strategy.FASTEST, {"t0": Health(latency_ms=9), "t1": Health(latency_ms=5)}, ["t2", "t1", "t0"]),
        (Strategy.LEAST_BUSY, {"t0": Health(busy=4), "t1": Health(busy=1)}, ["t2", "t1", "t0"]),
        (Strategy.PRIORITY, {"t0": open_for(9), "t1": open_for(5)}, ["t2", "t1", "t0"]),
        (Strategy.PRIORITY, {"t0": open_for(0)}, ["t0", "t1", "t2"]),
    ],
)
def test_each_strategy_has_its_order(strategy: Strategy, health: dict[str, Health], order: list[str]) -> None:
    assert choose(route(strategy, 1, 1, 1), health=health) == order


@pytest.mark.parametrize(
    ("conditions", "fits", "does_not"),
    [
        ({"min_input_tokens": 100}, {"likely": Size(100)}, {"likely": Size(99)}),
        ({"max_input_tokens": 100}, {"likely": Size(100)}, {"likely": Size(101)}),
        ({"tools": True}, {"tools": True}, {"tools": False}),
        ({"vision": False}, {"vision": False}, {"vision": True}),
        ({"stream": True}, {"stream": True}, {"stream": False}),
        ({"region": "eu"}, {"region": "eu"}, {"region": "us"}),
        ({"region": "eu"}, {"region": None}, {"region": "us"}),
    ],
)
def test_a_target_takes_what_its_conditions_say(
    conditions: dict[str, Any], fits: dict[str, Any], does_not: dict[str, Any]
) -> None:
    made = route(Strategy.PRIORITY, 1, **conditions)
    assert names([*fitting(plan(made), call(made, **fits))]) == ["t0"]
    assert fitting(plan(made), call(made, **does_not)) == ()


@given(
    strategy=st.sampled_from(Strategy),
    weights=st.lists(st.integers(1, 1000), min_size=1, max_size=3),
    open_until=st.lists(st.integers(NOW_MS - 10, NOW_MS + 10), min_size=3, max_size=3),
    seed=st.integers(),
)
def test_every_target_is_tried_once_and_the_broken_ones_last(
    strategy: Strategy, weights: list[int], open_until: list[int], seed: int
) -> None:
    made = route(strategy, *weights)
    health = {f"t{number}": Health(open_until=until) for number, until in enumerate(open_until)}

    order = choose(made, seed=seed, health=health)

    assert sorted(order) == [f"t{number}" for number in range(len(weights))]
    broken = [health[name].open_until > NOW_MS for name in order]
    assert broken == sorted(broken)
