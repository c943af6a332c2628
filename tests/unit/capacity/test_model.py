"""The simulation of Lambda's concurrency agrees with what is known without one."""

import pytest

from tests.load.capacity.model import SCALING_STEP, Load, simulate


@pytest.mark.parametrize(("users", "think", "serve"), [(200, 10.0, 2.0), (500, 30.0, 2.5), (300, 1.0, 4.0)])
def test_as_many_are_under_way_as_littles_law_says(users: int, think: float, serve: float) -> None:
    load = Load(users, think=think, serve=serve, arrive=20, last=400, cold=0)
    assert simulate(load).steady() == pytest.approx(load.expected, rel=0.1)


def test_nobody_waits_where_there_is_enough_and_environments_are_there() -> None:
    load = Load(100, arrive=100, cold=0, spread=0.0)
    outcome = simulate(load)
    assert outcome.refused == 0
    assert outcome.percentile(0.99) == pytest.approx(load.serve)


def test_no_more_serve_at_once_than_there_may_be_and_the_others_are_refused() -> None:
    outcome = simulate(Load(500, think=1.0, concurrency=50, arrive=10, last=60))
    assert max(outcome.environments) == 50
    assert outcome.refused > 0
    assert outcome.percentile(0.95) > simulate(Load(500, think=1.0, arrive=10, last=60)).percentile(0.95)


def test_environments_are_added_no_faster_than_lambda_does() -> None:
    outcome = simulate(Load(5000, think=1000.0, serve=60.0, spread=0.0, concurrency=10_000, arrive=1.0, last=12))
    assert max(outcome.environments[:10]) == SCALING_STEP
    assert outcome.environments[11] == 2 * SCALING_STEP
    assert outcome.refused > 0


def test_the_first_requests_start_cold_and_later_ones_find_environments() -> None:
    outcome = simulate(Load(100, think=5.0, arrive=10, last=300))
    assert outcome.cold_starts == outcome.environments[-1]
    assert outcome.cold_starts < len(outcome.latencies) / 20


def test_the_same_seed_has_the_same_outcome() -> None:
    load = Load(200, last=60)
    assert simulate(load, seed=7).latencies == simulate(load, seed=7).latencies
    assert simulate(load, seed=7).latencies != simulate(load, seed=8).latencies
