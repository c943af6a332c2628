"""Tallies keep what they count, whatever they go through."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.folding import Folded, largest, merged
from analytics.rollups.models import OTHERS, GroupingSet
from analytics.rollups.tallies import COUNTS, EXACT_USERS, Tally, dollars, pico, user_hash


def said(**values: Any) -> dict[str, Any]:
    counts = dict.fromkeys(COUNTS[1:], 1)
    zero = {"cost_usd": Decimal(0), "saved_usd": Decimal(0), "latency_bucket": 3, "ttft_bucket": None}
    return {**counts, **zero, "model": "gpt-4o", "end_user": None, **values}


@given(st.decimals(min_value=0, max_value=Decimal(10) ** 21, places=12))
def test_dollars_come_back_as_they_were(amount: Decimal) -> None:
    assert dollars(pico(amount)) == amount


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "latency_bucket": st.integers(-400, 1500),
                "ttft_bucket": st.none() | st.integers(-400, 1500),
                "speed_bucket": st.none() | st.integers(-400, 1500),
                "input_tokens": st.integers(0, 2**53),
            }
        ),
        max_size=30,
    )
)
def test_a_tally_is_kept_and_read_without_loss(calls: list[dict[str, Any]]) -> None:
    tally, read = Tally(), Tally()
    for call in calls:
        tally.add_call(said(**call))
    read.merge_cell(tally.cell())

    assert read.cell() == tally.cell()
    assert (read.counts, read.latency, read.ttft, read.speed) == (
        tally.counts,
        tally.latency,
        tally.ttft,
        tally.speed,
    )


def test_what_is_too_large_for_the_store_is_as_large_as_it_can_be() -> None:
    tally = Tally()
    for _ in range(2000):
        tally.add_call(said(input_tokens=2**53))

    assert max(tally.cell()["counts"]) == 2**63 - 1


@pytest.mark.parametrize("users", [0, 1, EXACT_USERS])
def test_few_users_are_counted_exactly(users: int) -> None:
    tally, read = Tally(), Tally()
    tally.users = {user_hash(f"user-{number}") for number in range(users)}
    read.merge_cell(tally.cell())

    assert read.unique_users() == (users, True)


def test_many_users_of_several_days_are_counted_within_five_percent() -> None:
    read = Tally()
    for day in range(5):
        tally = Tally()
        tally.users = {user_hash(f"user-{number}") for number in range(day * 5_000, day * 5_000 + 20_000)}
        read.merge_cell(tally.cell())

    counted, exact = read.unique_users()
    assert not exact
    assert counted == pytest.approx(40_000, rel=0.05)


def test_the_smallest_groups_are_one_so_that_totals_stay_true() -> None:
    folded = Folded()
    for number in range(10):
        for _ in range(number + 1):
            folded.add(said(model=f"model-{number}"))
    groups = folded.rollup()[GroupingSet.ALL]

    kept = largest(groups, 4)

    assert len(kept) == 4
    assert sum(tally.requests for tally in kept.values()) == 55
    others = kept[(OTHERS,) * len(GroupingSet.ALL.dimensions)]
    assert others.requests == sum(range(1, 8))


def test_coarser_rollups_have_every_dimension_alone() -> None:
    folded = Folded()
    folded.add(said(model="a", provider="x", end_user="ada"))
    folded.add(said(model="a", provider="y", end_user="ada"))
    parts = [
        (grouping, key, tally.cell()) for grouping, groups in folded.rollup().items() for key, tally in groups.items()
    ]

    sets = merged(parts)

    assert {key: tally.requests for key, tally in sets[GroupingSet.MODEL].items()} == {("a",): 2}
    assert {key: tally.requests for key, tally in sets[GroupingSet.PROVIDER].items()} == {("x",): 1, ("y",): 1}
    assert {key: tally.requests for key, tally in sets[GroupingSet.END_USER].items()} == {("ada",): 2}
    assert sets[GroupingSet.TOTAL][()].requests == 2
