"""Tallies keep what they count, whatever they go through."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.adding import Sums
from analytics.rollups.columns import Columns, fields
from analytics.rollups.folding import Folded, largest, merged
from analytics.rollups.models import OTHERS, ROLLED, GroupingSet, Key
from analytics.rollups.tallies import COUNTS, EXACT_USERS, Tally, dollars, pico, user_hash
from analytics.usage.models import Dimension


def said(**values: Any) -> dict[str, Any]:
    counts = dict.fromkeys(COUNTS[1:], 1)
    zero = {"cost_usd": Decimal(0), "saved_usd": Decimal(0), "latency_bucket": 3, "ttft_bucket": None}
    return {**counts, **zero, "model": "gpt-4o", "end_user": None, **values}


def read_again(*kept: Tally) -> Tally:
    """What tallies add up to that were kept and read."""
    sums = Sums(())
    for tally in kept:
        sums.add(0, Columns(fields({(): tally})))
    return sums.tallies()[0, ()]


def everything(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in Tally.__slots__}


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
    tally = Tally()
    for call in calls:
        tally.add_call(said(**call))

    assert everything(read_again(tally)) == everything(tally)


def test_numbers_may_be_larger_than_those_of_a_machine() -> None:
    tally = Tally()
    for _ in range(3000):
        tally.add_call(said(input_tokens=2**53))

    assert read_again(tally, tally).counts[COUNTS.index("input_tokens")] == 2 * 3000 * 2**53
    assert 3000 * 2**53 > 2**64


values = st.sampled_from([None, "", "a", OTHERS, "ä", '"'])


@given(
    rows=st.dictionaries(
        st.tuples(values, values, values), st.tuples(st.integers(1, 2**70), st.integers(0, 300)), max_size=40
    ),
    indexes=st.permutations(range(3)).flatmap(lambda order: st.integers(0, 3).map(lambda some: order[:some])),
    wanted=st.dictionaries(st.integers(0, 2), st.frozensets(values)),
)
def test_groups_are_added_up_by_some_of_their_dimensions(
    rows: dict[Key, tuple[int, int]], indexes: list[int], wanted: dict[int, frozenset[str | None]]
) -> None:
    groups = {}
    for key, (cost, bucket) in rows.items():
        groups[key] = Tally()
        groups[key].add_call(said(latency_bucket=bucket))
        groups[key].add_dollars(cost, 0)
    sums = Sums(indexes, wanted=wanted)
    sums.add(7, Columns(fields(groups)))

    expected: dict[Key, int] = {}
    for key, (cost, _) in rows.items():
        if all(key[index] in those for index, those in wanted.items()):
            group = tuple(key[index] for index in indexes)
            expected[group] = expected.get(group, 0) + cost
    found = sums.tallies()
    assert {group: tally.cost for (_, group), tally in found.items()} == expected
    assert all(sum(tally.latency.values()) == tally.requests for tally in found.values())


def test_nothing_is_read_that_is_not_asked_for() -> None:
    tally = Tally()
    tally.add_call(said(ttft_bucket=4))
    tally.users = {1, 2}
    sums = Sums((), counts=["errors"], sketches=["ttft"], users=False)
    sums.add(0, Columns({"counts": fields({(): tally})["counts"], "ttft": fields({(): tally})["ttft"]}))

    found = sums.tallies()[0, ()]

    assert (found.requests, found.counts[1], found.counts[3]) == (1, 1, 0)
    assert (found.latency, found.ttft, found.users) == ({}, {4: 1}, set())


@pytest.mark.parametrize("users", [0, 1, EXACT_USERS])
def test_few_users_are_counted_exactly(users: int) -> None:
    tally = Tally()
    tally.users = {user_hash(f"user-{number}") for number in range(users)}

    assert read_again(tally).unique_users() == (users, True)


def test_many_users_of_several_days_are_counted_within_five_percent() -> None:
    days = [Tally() for _ in range(5)]
    for day, tally in enumerate(days):
        tally.users = {user_hash(f"user-{number}") for number in range(day * 5_000, day * 5_000 + 20_000)}

    counted, exact = read_again(*days).unique_users()
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


def test_small_groups_are_still_told_apart_by_model_provider_and_status() -> None:
    folded = Folded()
    for number in range(200):
        folded.add(said(model=f"model-{number % 3}", route=f"route-{number}", status="ok" if number % 2 else "error"))
    groups = folded.rollup()[GroupingSet.ALL]

    kept = largest(groups, 20)

    def by_model_and_status(groups: Mapping[Key, Tally]) -> dict[Any, int]:
        found: Counter[Any] = Counter()
        for key, tally in groups.items():
            named = dict(zip(ROLLED, key, strict=True))
            found[named[Dimension.MODEL], named[Dimension.STATUS]] += tally.requests
        return found

    assert len(kept) <= 20
    assert by_model_and_status(kept) == by_model_and_status(groups)


def test_coarser_rollups_have_every_dimension_alone() -> None:
    folded = Folded()
    folded.add(said(model="a", provider="x", end_user="ada"))
    folded.add(said(model="a", provider="y", end_user="ada"))

    sets = merged({grouping: [Columns(fields(groups))] for grouping, groups in folded.rollup().items()})

    assert {key: tally.requests for key, tally in sets[GroupingSet.MODEL].items()} == {("a",): 2}
    assert {key: tally.requests for key, tally in sets[GroupingSet.PROVIDER].items()} == {("x",): 1, ("y",): 1}
    assert {key: tally.requests for key, tally in sets[GroupingSet.END_USER].items()} == {("ada",): 2}
    assert sets[GroupingSet.TOTAL][()].requests == 2
