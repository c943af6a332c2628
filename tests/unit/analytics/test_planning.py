"""Sources of a question cover it exactly, in as few parts as can be."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.models import Granularity
from analytics.rollups.planning import Range, Sources, sources

DAY = datetime(2026, 8, 17, tzinfo=UTC)
moments = st.integers(-2 * 86_400_000, 2 * 86_400_000).map(lambda ms: DAY + timedelta(milliseconds=ms))
units = st.tuples(st.sampled_from(Granularity), moments).map(lambda unit: (unit[0], unit[0].floor(unit[1])))


def parts(found: Sources) -> list[Range]:
    rolled = [(start, start + each.length) for each, starts in found.units.items() for start in starts]
    return sorted(rolled + found.raw)


@given(bounds=st.lists(moments, min_size=2, max_size=5, unique=True).map(sorted), stale=st.sets(units, max_size=8))
def test_parts_touch_and_cover_every_step(bounds: list[datetime], stale: set[tuple[Granularity, datetime]]) -> None:
    found = parts(sources(itertools.pairwise(bounds), stale=stale))

    assert found[0][0] == bounds[0]
    assert found[-1][1] == bounds[-1]
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(found))


@given(bounds=st.lists(moments, min_size=2, max_size=5, unique=True).map(sorted))
def test_no_rollup_reaches_from_one_step_into_the_next(bounds: list[datetime]) -> None:
    found = sources(itertools.pairwise(bounds), stale=())

    for granularity, starts in found.units.items():
        for start in starts:
            assert not any(start < bound < start + granularity.length for bound in bounds)


@given(bounds=st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted), stale=st.sets(units, max_size=8))
def test_nothing_is_read_from_a_rollup_with_stale_parts(
    bounds: list[datetime], stale: set[tuple[Granularity, datetime]]
) -> None:
    found = sources([(bounds[0], bounds[1])], stale=stale)

    for granularity, starts in found.units.items():
        for start in starts:
            for finer, at in stale:
                inside = start <= at and at + finer.length <= start + granularity.length
                assert not inside


def test_a_month_is_read_from_its_days() -> None:
    found = sources([(DAY, DAY + timedelta(days=30))], stale=())

    assert len(found.units[Granularity.DAY]) == 30
    assert not found.units[Granularity.HOUR]
    assert not found.units[Granularity.MINUTE]
    assert found.raw == []


def test_a_stale_minute_is_read_from_its_calls_and_the_rest_of_its_day_from_rollups() -> None:
    stale = (Granularity.MINUTE, DAY + timedelta(hours=10, minutes=15))

    found = sources([(DAY, DAY + timedelta(days=2))], stale=[stale])

    assert found.units[Granularity.DAY] == [DAY + timedelta(days=1)]
    assert len(found.units[Granularity.HOUR]) == 23
    assert len(found.units[Granularity.MINUTE]) == 59
    assert found.raw == [(stale[1], stale[1] + timedelta(minutes=1))]
