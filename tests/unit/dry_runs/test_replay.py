"""Replaying calls against a policy: what each part of it would have done, and that the sums are true."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.choices import Caching
from integration.dry_runs.models import Optimization, PastCall, Reason, Replayed
from integration.dry_runs.replay import Replay
from integration.gateway.organization import Policy
from integration.gateway.rates import Rate, TierPrices

PROJECT, OTHER = UUID(int=1), UUID(int=2)
START = datetime(2026, 11, 20, tzinfo=UTC)
PRICES = TierPrices(input=Rate(10), cached_input=Rate(5), output=Rate(20))
CHEAPER = TierPrices(input=Rate(1), cached_input=Rate(1), output=Rate(2))
NOTHING = Policy(cache=Caching.EXACT, cache_ttl=3_600)


def call(minutes: float = 0, **fields: Any) -> PastCall:
    """A call of 100 and 50 tokens, which cost 2,000 pico-dollars."""
    usual = {
        "started_at": START + timedelta(minutes=minutes),
        "endpoint": "chat.completions",
        "requested_model": "dear",
        "model": "dear-2026",
        "connection": None,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "output_tokens": 50,
        "full_cost_pico": 2_000,
        "hit": False,
        "fingerprint": None,
        "project_id": PROJECT,
        **fields,
    }
    return PastCall(**{"cost_pico": 0 if usual["hit"] else usual["full_cost_pico"], **usual})


def replayed(policy: Policy, *calls: PastCall, known: bool = True, takes: bool = True) -> Replayed:
    replay = Replay(
        policy,
        prices_of=lambda _: PRICES if known else None,
        substitute=lambda _, name: CHEAPER if takes and name == "cheap" else None,
    )
    replay.add(calls)
    return replay.result()


def effect(result: Replayed, optimization: Optimization) -> tuple[int, int, int]:
    found = result.effects[optimization]
    return found.calls, found.tokens, found.saved_pico


def test_a_policy_that_does_nothing_saves_nothing() -> None:
    result = replayed(NOTHING, call(), call(1), call(2, endpoint="embeddings"))

    assert (result.calls, result.cost_pico, result.replayed_pico) == (3, 6_000, 6_000)
    assert (result.effects, result.left_out) == ({}, {})


def test_a_substitute_costs_what_it_costs_for_the_same_tokens() -> None:
    result = replayed(Policy(substitutes={"dear": "cheap"}), call(), call(requested_model="other"))

    assert result.replayed_pico == 200 + 2_000
    assert effect(result, Optimization.SUBSTITUTE) == (1, 0, 1_800)


@pytest.mark.parametrize(
    ("policy", "takes"),
    [
        (Policy(substitutes={"dear": "gone"}), True),
        (Policy(substitutes={"dear": "cheap"}), False),
        (Policy(substitutes={"dear": "cheap"}, substitute_up_to=99), True),
    ],
)
def test_a_substitute_that_takes_no_such_call_changes_nothing(policy: Policy, *, takes: bool) -> None:
    assert replayed(policy, call(), takes=takes).replayed_pico == 2_000


def test_trimming_and_caps_leave_out_tokens_one_after_the_other() -> None:
    policy = Policy(trim_to_tokens=40, max_output_tokens=10)

    result = replayed(
        policy, call(cached_input_tokens=60, full_cost_pico=1_700), call(input_tokens=40, output_tokens=10)
    )

    assert effect(result, Optimization.TRIM) == (1, 60, 1_700 - (40 * 5 + 1_000))
    assert effect(result, Optimization.CAP) == (1, 40, 800)
    assert result.replayed_pico == 400 + 2_000


def test_only_chat_completions_are_trimmed_and_capped() -> None:
    assert replayed(Policy(trim_to_tokens=1, max_output_tokens=1), call(endpoint="responses")).effects == {}


def test_costs_are_scaled_so_that_discounts_stay() -> None:
    assert replayed(Policy(max_output_tokens=0), call(full_cost_pico=1_000)).replayed_pico == 500


def test_the_cache_would_have_answered_equal_calls_within_its_time_to_live() -> None:
    calls = [call(0, fingerprint="a"), call(30, fingerprint="a"), call(59, fingerprint="b"), call(60, fingerprint="a")]

    result = replayed(NOTHING, *calls)

    assert effect(result, Optimization.CACHE) == (1, 150, 2_000)
    assert result.replayed_pico == 6_000


def test_what_the_cache_answered_costs_without_it_what_it_would_have_cost() -> None:
    calls = [call(0, fingerprint="a"), call(10, fingerprint="a", hit=True)]

    without, with_it, shorter = (
        replayed(policy, *calls) for policy in (Policy(cache=Caching.OFF), NOTHING, Policy(cache_ttl=60))
    )

    assert (without.cost_pico, without.replayed_pico) == (2_000, 4_000)
    assert effect(without, Optimization.CACHE) == (1, -150, -2_000)
    assert (with_it.replayed_pico, with_it.effects) == (2_000, {})
    assert shorter.replayed_pico == 4_000


def test_a_hit_whose_first_call_was_before_the_others_stays_one() -> None:
    assert replayed(NOTHING, call(0, fingerprint="a", hit=True), call(1, hit=True)).replayed_pico == 0


def test_what_failed_and_what_nobody_knows_the_price_of_is_left_out_and_counted() -> None:
    policy = Policy(max_output_tokens=1)

    assert replayed(policy, call(failed=True, full_cost_pico=7)).left_out == {Reason.FAILED: 1}
    result = replayed(policy, call(), known=False)
    assert (result.replayed_pico, result.left_out) == (2_000, {Reason.UNKNOWN_PRICE: 1})


def test_projects_share_no_answers() -> None:
    calls = call(0, fingerprint="a"), call(1, fingerprint="a", project_id=OTHER)

    assert replayed(NOTHING, *calls).effects == {}


def test_what_was_answered_because_it_was_alike_is_not_when_only_equal_calls_are() -> None:
    alike = {"hit": True, "alike": True, "cost_pico": 3}
    calls = call(0, fingerprint="a"), call(1, fingerprint="b", **alike), call(2, fingerprint="b", **alike)

    exact, form = (replayed(Policy(cache=rule, cache_ttl=3_600), *calls) for rule in (Caching.EXACT, Caching.FORM))

    assert (exact.cost_pico, exact.replayed_pico) == (2_006, 6_000)
    assert effect(exact, Optimization.CACHE) == (2, -300, -3_994)
    assert (form.replayed_pico, form.effects) == (2_006, {})


amounts = st.integers(0, 5_000)
calls = st.builds(
    call,
    st.integers(0, 600),
    input_tokens=amounts,
    output_tokens=amounts,
    cached_input_tokens=amounts,
    full_cost_pico=amounts,
    hit=st.booleans(),
    alike=st.booleans(),
    project_id=st.sampled_from([PROJECT, OTHER]),
    failed=st.booleans(),
    fingerprint=st.sampled_from([None, "a", "b"]),
    requested_model=st.sampled_from(["dear", "other"]),
)
policies = st.builds(
    Policy,
    trim_to_tokens=st.none() | amounts,
    max_output_tokens=st.none() | amounts,
    substitutes=st.sampled_from([{}, {"dear": "cheap"}]),
    cache=st.sampled_from(Caching),
    cache_ttl=st.integers(1, 10_000),
)


@given(policy=policies, past=st.lists(calls, max_size=30))
def test_the_effects_are_the_whole_difference(policy: Policy, past: list[PastCall]) -> None:
    result = replayed(policy, *sorted(past, key=lambda each: each.started_at))

    saved = sum(each.saved_pico for each in result.effects.values())
    assert result.cost_pico == sum(each.cost_pico for each in past)
    assert result.cost_pico - result.replayed_pico == saved
    assert result.replayed_pico >= 0
