"""Which steps the operator is shown, and which functions and queues are the platform's own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.models import EmptyRange
from analytics.platform.models import (
    MOST_STEPS,
    Interval,
    Names,
    NotTheOperator,
    Operator,
    PlatformFigures,
    RangeTooLong,
    TooLongAgo,
    TooManySteps,
    Window,
    takes_dead_letters,
)
from analytics.platform.service import PlatformMetrics
from llmo_auth.principal import ActorType, Principal
from llmo_core.errors import Invalid
from llmo_core.ids import new_id
from tests.clocks import MovableClock

NOW = datetime(2026, 8, 17, 12, 34, 56, tzinfo=UTC)
NAMES = Names(prefix="llmo-dev-")


class Asked:
    """Figures that are none, and the windows they were asked for."""

    def __init__(self) -> None:
        self.windows: list[Window] = []

    async def within(self, window: Window) -> PlatformFigures:
        self.windows.append(window)
        return PlatformFigures(window, (), ())


def principal() -> Principal:
    return Principal(
        org_id=new_id(), project_id=None, actor_type=ActorType.USER, actor_id=new_id(), permissions=frozenset()
    )


@pytest.mark.parametrize(
    ("length", "interval"),
    [
        (timedelta(minutes=1), Interval.MINUTE),
        (timedelta(hours=3), Interval.MINUTE),
        (timedelta(hours=4), Interval.FIVE_MINUTES),
        (timedelta(days=1), Interval.HOUR),
        (timedelta(days=8), Interval.HOUR),
        (timedelta(days=30), Interval.DAY),
    ],
)
def test_the_interval_is_chosen_so_that_a_chart_has_not_too_many_steps(length: timedelta, interval: Interval) -> None:
    assert Window.of(NOW - length, NOW, None, now=NOW).interval is interval


def test_minutes_that_cloudwatch_has_forgotten_are_not_asked_for() -> None:
    start = NOW - timedelta(days=16)

    assert Window.of(start, start + timedelta(hours=1), None, now=NOW).interval is Interval.FIVE_MINUTES
    with pytest.raises(TooLongAgo):
        Window.of(start, start + timedelta(hours=1), Interval.MINUTE, now=NOW)
    with pytest.raises(TooLongAgo):
        Window.of(NOW - timedelta(days=456), NOW - timedelta(days=455), None, now=NOW)


def test_no_more_than_a_month_and_no_more_steps_than_a_page_shows_are_asked_for() -> None:
    with pytest.raises(RangeTooLong):
        Window.of(NOW - timedelta(days=30, seconds=1), NOW, None, now=NOW)
    with pytest.raises(TooManySteps):
        Window.of(NOW - timedelta(days=1), NOW, Interval.MINUTE, now=NOW)


@given(
    back=st.timedeltas(min_value=timedelta(), max_value=timedelta(days=500)),
    length=st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=30)),
    interval=st.none() | st.sampled_from(Interval),
)
def test_whole_steps_hold_the_range_tightly_or_it_is_refused(
    back: timedelta, length: timedelta, interval: Interval | None
) -> None:
    end = NOW - back
    start = end - length
    try:
        window = Window.of(start, end, interval, now=NOW)
    except Invalid:
        return
    step = window.interval.length
    assert window.start <= start < window.start + step
    assert window.end - step < end <= window.end
    assert window.start.timestamp() % step.total_seconds() == 0
    assert (window.end - window.start) % step == timedelta()
    assert (window.end - window.start) / step <= MOST_STEPS + 2


@pytest.mark.parametrize(
    ("physical", "name"),
    [
        ("llmo-dev-integration-gateway", "integration-gateway"),
        ("llmo-development-integration-gateway", None),
        ("llmo-staging-email", None),
        ("other", None),
    ],
)
def test_functions_and_queues_of_other_stages_are_not_the_platforms(physical: str, name: str | None) -> None:
    assert NAMES.own(physical) == name


def test_queues_of_dead_letters_are_told_by_their_names() -> None:
    assert takes_dead_letters("email-dead")
    assert not takes_dead_letters("email")


async def test_the_last_hour_is_shown_to_the_operator_and_to_nobody_else() -> None:
    operator, figures = principal(), Asked()
    clock = MovableClock(NOW)
    service = PlatformMetrics(figures=figures, operator=Operator(operator.org_id), clock=clock)

    await service.within(operator, start=None, end=None, interval=None)

    assert figures.windows == [
        Window(datetime(2026, 8, 17, 11, 34, tzinfo=UTC), datetime(2026, 8, 17, 12, 35, tzinfo=UTC), Interval.MINUTE)
    ]
    with pytest.raises(NotTheOperator):
        await service.within(principal(), start=None, end=None, interval=None)
    nobodys = PlatformMetrics(figures=figures, operator=Operator(None), clock=clock)
    with pytest.raises(NotTheOperator):
        await nobodys.within(operator, start=None, end=None, interval=None)


async def test_nothing_of_the_future_is_shown() -> None:
    operator, figures = principal(), Asked()
    service = PlatformMetrics(figures=figures, operator=Operator(operator.org_id), clock=MovableClock(NOW))

    await service.within(operator, start=NOW - timedelta(minutes=5), end=NOW + timedelta(days=9), interval=None)

    assert figures.windows[0].end == datetime(2026, 8, 17, 12, 35, tzinfo=UTC)
    with pytest.raises(EmptyRange):
        await service.within(operator, start=NOW, end=NOW + timedelta(days=9), interval=None)
