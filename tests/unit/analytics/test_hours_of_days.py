"""Hours that stand together in their day are added up as they would be alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.adding import Sums
from analytics.rollups.columns import Columns, fields
from analytics.rollups.folding import by_hour
from analytics.rollups.models import HOURLY, OF_HOURS, Granularity, GroupingSet, hour_of
from analytics.rollups.planning import by_day
from analytics.rollups.tallies import Tally
from analytics.usage.models import Dimension

DAY = datetime(2026, 8, 17, tzinfo=UTC)
models = st.sampled_from([None, "", "a", "b"])
hours = st.dictionaries(st.integers(0, 23), st.dictionaries(models, st.integers(1, 2**70), min_size=1), max_size=6)
units = st.tuples(st.sampled_from(Granularity), st.integers(-3000, 6000)).map(
    lambda unit: (unit[0], unit[0].floor(DAY + timedelta(minutes=unit[1])))
)


def tallied(cost: int) -> Tally:
    tally = Tally()
    tally.counts[0] = 1
    tally.cost = cost
    tally.latency = {cost % 7: 1}
    tally.users = {cost % 5}
    return tally


@given(
    costs=hours,
    step_of=st.dictionaries(st.integers(0, 23), st.integers(0, 2)),
    wanted=st.none() | st.frozensets(models),
)
def test_hours_are_added_to_their_steps(
    costs: Mapping[int, Mapping[str | None, int]], step_of: dict[int, int], wanted: frozenset[str | None] | None
) -> None:
    kept = {
        hour: Columns(fields({(model,): tallied(cost) for model, cost in each.items()})) for hour, each in costs.items()
    }
    parts = [(DAY + timedelta(hours=hour), columns) for hour, columns in kept.items()]
    together = by_hour({GroupingSet.MODEL: parts})[GroupingSet.HOURS_MODEL]
    alone = Sums([0], wanted={} if wanted is None else {0: wanted})
    of_day = Sums([1], wanted={} if wanted is None else {1: wanted})

    for hour, step in step_of.items():
        if hour in kept:
            alone.add(step, kept[hour])
    of_day.add_hours({hour_of(hour): step for hour, step in step_of.items()}, Columns(fields(together)))

    def everything(sums: Sums) -> dict[object, object]:
        return {place: [getattr(tally, name) for name in Tally.__slots__] for place, tally in sums.tallies().items()}

    assert everything(of_day) == everything(alone)


@given(
    starts=st.sets(st.integers(-30, 60)).map(lambda some: [DAY + timedelta(hours=each) for each in sorted(some)]),
    stale=st.sets(units, max_size=5),
)
def test_hours_are_read_from_their_days_unless_these_are_stale(
    starts: Sequence[datetime], stale: set[tuple[Granularity, datetime]]
) -> None:
    days, rest = by_day(starts, stale=stale)

    assert sorted([*rest, *[hour for some in days.values() for hour in some]]) == starts
    for day, some in days.items():
        assert all(Granularity.DAY.floor(hour) == day for hour in some)
        assert not any(Granularity.DAY.floor(start) == day for _, start in stale)


def test_a_single_hour_is_read_by_itself() -> None:
    assert by_day([DAY], stale=()) == ({}, [DAY])


def test_every_hourly_set_is_told_apart_by_its_hour_first() -> None:
    for grouping, hourly in HOURLY.items():
        assert OF_HOURS[hourly] is grouping
        assert hourly.dimensions == (Dimension.HOUR, *grouping.dimensions)


@given(st.lists(st.integers(1, 2**70), max_size=6))
def test_a_sum_is_what_merging_comes_to(costs: list[int]) -> None:
    one_by_one = Tally()
    for cost in costs:
        one_by_one.merge(tallied(cost))

    summed = Tally.sum([tallied(cost) for cost in costs])

    assert [getattr(summed, name) for name in Tally.__slots__] == [
        getattr(one_by_one, name) for name in Tally.__slots__
    ]
