"""Every answer equals a plain recomputation, in whatever order events come, and however often."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.behaviour.counting import EventCount
from analytics.behaviour.funnels import FunnelCount
from analytics.behaviour.models import (
    MOST_ROWS,
    CountQuery,
    FunnelQuery,
    Interval,
    Matching,
    Period,
    RetentionQuery,
    Returning,
    Seen,
)
from analytics.behaviour.periods import first_day, number_of
from analytics.behaviour.returning import ReturnCount
from analytics.models import TooManyGroups
from analytics.tracking.properties import pair
from tests.unit.analytics.behaviour import recomputed
from tests.unit.analytics.behaviour.recomputed import ORG, ZONES, events, matchings, range_of

DAY = timedelta(days=1)
START = datetime(2026, 10, 20, tzinfo=UTC)  # clocks go back on the 25th in Berlin
A_WEEK = range_of(START, 7 * DAY)


@given(
    given_events=events(START, DAY, most=9),
    steps=st.lists(matchings(), min_size=2, max_size=3),
    window=st.integers(1, 30),
    data=st.data(),
)
def test_a_funnel_equals_trying_everything(
    given_events: list[Seen], steps: list[Matching], window: int, data: st.DataObject
) -> None:
    query = FunnelQuery(org_id=ORG, range=A_WEEK, steps=tuple(steps), window=timedelta(hours=window), breakdown="plan")
    count = FunnelCount(query)
    for seen in data.draw(st.permutations(given_events + given_events[:2])):
        count.add(seen)

    found = count.result()

    expected, by_plan = recomputed.funnel(query, given_events)
    assert [(step.users, step.median_seconds) for step in found.steps] == expected
    shown = {
        None if group.value is None else pair("plan", group.value): [step.users for step in group.steps]
        for group in found.groups
    }
    assert shown == by_plan


def _funnel(*steps: str, window: timedelta = DAY) -> FunnelCount:
    matching = tuple(Matching(name=name) for name in steps)
    return FunnelCount(FunnelQuery(org_id=ORG, range=A_WEEK, steps=matching, window=window, breakdown="n"))


def test_one_event_is_one_step_and_two_at_once_are_in_no_order() -> None:
    count = _funnel("a", "a", "b")
    for seen in (Seen("a", "u:1", 5, ()), Seen("a", "u:1", 5, ()), Seen("b", "u:1", 5, ())):
        count.add(seen)

    assert [step.users for step in count.result().steps] == [1, 0, 0]


def test_a_window_includes_its_last_millisecond() -> None:
    count = _funnel("a", "b", window=timedelta(seconds=1))
    for actor, took in (("u:1", 1000), ("u:2", 1001)):
        count.add(Seen("a", actor, 0, ()))
        count.add(Seen("b", actor, took, ()))

    assert [(step.users, step.median_seconds) for step in count.result().steps] == [(2, None), (1, 1.0)]


def test_more_values_than_twenty_five_are_told_together_and_none_is_lost() -> None:
    count = _funnel("a", "b")
    for number in range(10_000):
        count.add(Seen("a", f"u:{number}", number, (pair("n", number % 5000),)))

    result = count.result()

    assert len(result.groups) == 26
    assert [group.other for group in result.groups] == [False] * 25 + [True]
    assert sum(group.steps[0].users for group in result.groups) == result.steps[0].users == 10_000


@given(
    given_events=events(START, 7 * DAY) | events(START, 200 * DAY),
    first=matchings(),
    returning=matchings(),
    period=st.sampled_from(Period),
    zone=st.sampled_from(ZONES),
    mode=st.sampled_from(Returning),
    days=st.integers(200, 366),
)
def test_retention_equals_following_each_person(
    given_events: list[Seen],
    first: Matching,
    returning: Matching,
    period: Period,
    zone: str,
    mode: Returning,
    days: int,
) -> None:
    query = RetentionQuery(
        org_id=ORG,
        range=range_of(START, days * DAY),
        first=first,
        returning=returning,
        period=period,
        zone=zone,
        periods=5,
        mode=mode,
    )
    count = ReturnCount(query)
    for seen in [*reversed(given_events), *given_events[:3]]:
        count.add(seen)

    found = count.result()

    expected = recomputed.retention(query, given_events)
    assert [cohort.start for cohort in found.cohorts] == sorted(expected)
    for cohort in found.cohorts:
        assert cohort.start is not None
        assert (cohort.users, [*cohort.eligible], [*cohort.returned]) == expected[cohort.start]
    assert found.total.users == sum(users for users, _, _ in expected.values())
    assert [*found.total.returned] == [sum(row[2][n] for row in expected.values()) for n in range(6)]


@given(
    given_events=events(START, 7 * DAY) | events(START, 200 * DAY),
    interval=st.sampled_from(Interval),
    zone=st.sampled_from(ZONES),
)
def test_counts_equal_sorting_events_by_the_clock_on_the_wall(
    given_events: list[Seen], interval: Interval, zone: str
) -> None:
    count = EventCount(CountQuery(org_id=ORG, range=A_WEEK, names=(), interval=interval, zone=zone))
    for seen in given_events:
        count.add(seen)

    found = {}
    for each in count.result():
        local = each.start.astimezone(ZoneInfo(zone))
        wall: tuple[int, ...] = (local.year, local.month, local.day)
        if interval is Interval.HOUR:
            offset = local.utcoffset() or timedelta()
            wall = (*wall, local.hour, int(offset.total_seconds()))
        found[each.name, wall] = (each.events, each.users)
    assert found == recomputed.counts(given_events, interval, zone)


def test_more_rows_than_anybody_reads_are_refused() -> None:
    query = CountQuery(org_id=ORG, range=A_WEEK, names=(), interval=Interval.HOUR, zone="UTC")
    count = EventCount(query)
    for number in range(MOST_ROWS):
        count.add(Seen(f"n{number}", None, 0, ()))

    with pytest.raises(TooManyGroups):
        count.add(Seen("one.more", None, 0, ()))


@given(st.dates(min_value=datetime(2, 1, 1, tzinfo=UTC).date()), st.sampled_from(Period))
def test_every_day_is_in_the_period_that_begins_by_it(day: Any, period: Period) -> None:
    number = number_of(day, period)

    assert first_day(number, period) == recomputed.period_start(day, period)
    assert number_of(first_day(number, period) - DAY, period) == number - 1
