"""What dates bring to subscriptions: on their day, once, and the same whoever looks when."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.plans import Feature
from billing.subscriptions import changing
from billing.subscriptions.dates import as_of, turns_at
from billing.subscriptions.errors import (
    CancellationScheduled,
    NothingToResume,
    ResumeFirst,
    SubscriptionHasEnded,
)
from billing.subscriptions.events import (
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionResumed,
    SubscriptionStarted,
    TrialEnding,
)
from billing.subscriptions.models import Status, Subscription, When
from llmo_messaging.envelope import Event
from tests.unit.billing.chains import SOMEBODY, Chain, chains, days_had, local, started, terms

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
SMALL, LARGE, QUARTER = terms(1, "20"), terms(2, "50"), terms(3, "130", months=3)
INSTANT = timedelta(microseconds=1)

moments = st.lists(st.integers(0, 200 * 24 * 60), min_size=1, max_size=5).map(sorted)


@given(chains(), moments)
def test_it_does_not_matter_how_often_somebody_looks(chain: Chain, minutes: list[int]) -> None:
    begin = chain.last.as_of
    step, told = chain.last, list[Event]()
    for passed in minutes:
        step, events = as_of(step, begin + timedelta(minutes=passed))
        told += events
    once, at_once = as_of(chain.last, begin + timedelta(minutes=minutes[-1]))

    assert step == once
    assert told == at_once
    assert as_of(once, once.as_of) == (once, [])


@given(chains())
def test_no_day_has_two_phases_and_no_live_day_has_none(chain: Chain) -> None:
    subscription = chain.last
    had = [day for day, _ in days_had(subscription, subscription.today + timedelta(days=1))]

    assert max(Counter(had).values(), default=1) == 1
    assert [phase.number for phase in subscription.phases] == [*range(1, len(subscription.phases) + 1)]
    for earlier, later in pairwise(subscription.phases):
        assert earlier.until_on is not None
        assert earlier.until_on <= later.from_on
    if subscription.running:
        assert subscription.phase.until_on is None
        assert subscription.today in had
    for one in chain.steps:
        assert one.today in had or not one.running


@given(chains())
def test_each_phase_and_each_end_is_announced_once(chain: Chain) -> None:
    changes = [event for event in chain.events if isinstance(event, SubscriptionChanged)]
    resumed = [event for event in chain.events if isinstance(event, SubscriptionResumed)]
    ends = [event for event in chain.events if isinstance(event, SubscriptionEnded)]

    begun = [event.phase for event in changes] + [event.phase for event in resumed if event.phase is not None]
    assert sorted(begun) == [phase.number for phase in chain.last.phases[1:]]
    assert len(ends) == (chain.last.status is Status.ENDED)
    assert sum(isinstance(event, TrialEnding) for event in chain.events) <= 1


@given(chains())
def test_a_revision_never_stands_for_two_states(chain: Chain) -> None:
    seen: dict[int, object] = {}
    for step in chain.steps:
        facts = step.model_dump(exclude={"as_of"})
        assert seen.setdefault(step.revision, facts) == facts
    assert all(one.revision <= other.revision for one, other in pairwise(chain.steps))


@given(chains())
def test_the_next_turn_is_the_first_moment_at_which_something_changes(chain: Chain) -> None:
    at = turns_at(chain.last)
    if at is None:
        later, events = as_of(chain.last, chain.last.as_of + timedelta(days=3000))
        assert (events, later.revision) == ([], chain.last.revision)
    else:
        assert as_of(chain.last, at - INSTANT).events == []
        assert as_of(chain.last, at).events != []


def later(subscription: Subscription, year: int, month: int, day: int, hour: int = 0) -> Subscription:
    return as_of(subscription, datetime(year, month, day, hour, tzinfo=UTC)).subscription


def test_what_a_plan_has_is_announced_with_it() -> None:
    rich = SMALL.definition.model_copy(
        update={
            "features": (Feature(code="kept_days", name="Kept", limit=Decimal(180)), Feature(code="sso", name="SSO"))
        }
    )
    have = {"kept_days": Decimal(180), "sso": None}
    subscription = started(NOON, SMALL.model_copy(update={"definition": rich}))

    [begun] = changing.started(subscription).events
    [changed] = changing.changed(
        started(NOON, SMALL), LARGE.model_copy(update={"definition": rich}), When.NOW, by=SOMEBODY
    ).events

    assert isinstance(begun, SubscriptionStarted)
    assert isinstance(changed, SubscriptionChanged)
    assert begun.features == changed.features == have


def test_a_trial_is_told_of_three_days_before_it_ends_and_then_paid() -> None:
    subscription = started(NOON, SMALL, trial_days=14)
    assert (subscription.status, subscription.trial_ends_at) == (Status.TRIALING, datetime(2027, 2, 14, tzinfo=UTC))
    assert [event.event_type for event in changing.started(subscription).events] == [
        "llmo.billing.subscription.started"
    ]
    assert turns_at(subscription) == datetime(2027, 2, 11, tzinfo=UTC)

    paid, events = as_of(subscription, datetime(2027, 2, 14, tzinfo=UTC))
    assert [event.event_type.rsplit(".")[-1] for event in events] == ["trial_ending", "trial_ended"]
    assert (paid.status, paid.revision) == (Status.ACTIVE, 1)
    assert paid.current_period is not None
    assert paid.current_period.end == datetime(2027, 3, 14, tzinfo=UTC)


def test_a_trial_of_two_days_is_told_of_at_once() -> None:
    told = changing.started(started(NOON, SMALL, trial_days=2)).events
    assert [event.event_type.rsplit(".")[-1] for event in told] == ["started", "trial_ending"]


def test_whatever_is_changed_during_a_trial_is_had_now_and_the_trial_goes_on() -> None:
    subscription = later(started(NOON, LARGE, trial_days=14), 2027, 2, 3)
    for wanted in (SMALL, QUARTER):
        subscription = changing.changed(subscription, wanted, When.AUTO, by=SOMEBODY).subscription
        assert (subscription.phase.terms, subscription.pending) == (wanted, None)
        assert (subscription.status, subscription.phase.cycle_starts_on) == (Status.TRIALING, date(2027, 2, 14))
    assert later(subscription, 2027, 2, 14).period_ends_on == date(2027, 5, 14)


def test_the_end_of_the_month_is_found_again() -> None:
    subscription = changing.changed(started(NOON, LARGE), SMALL, When.AUTO, by=SOMEBODY).subscription
    ends = []
    for month in (1, 2, 3, 4, 5):
        subscription = later(subscription, 2027, month, 28 if month == 2 else 30 if month == 4 else 31, 1)
        ends.append(subscription.period_ends_on)
    assert ends == [date(2027, month, day) for month, day in ((2, 28), (3, 31), (4, 30), (5, 31), (6, 30))]
    assert subscription.phase.from_on == date(2027, 2, 28)


def test_a_leap_day_is_a_day() -> None:
    subscription = started(datetime(2028, 1, 30, 12, tzinfo=UTC), LARGE)
    assert subscription.period_ends_on == date(2028, 2, 29)
    yearly = started(datetime(2028, 2, 29, 12, tzinfo=UTC), terms(4, "100", months=12))
    assert yearly.period_ends_on == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/Berlin", date(2027, 2, 28), datetime(2027, 3, 27, 23, tzinfo=UTC)),  # at midnight before clocks change
        ("America/Santiago", date(2027, 8, 5), datetime(2027, 9, 5, 4, tzinfo=UTC)),  # a day that begins at one
    ],
)
def test_days_begin_as_clocks_have_it(zone: str, start: date, end: datetime) -> None:
    subscription = started(local(zone, start, 23, 30), LARGE, zone=zone)
    assert subscription.starts_on == start
    cancelled = changing.cancelled(subscription, When.AT_PERIOD_END, None, by=SOMEBODY).subscription

    assert turns_at(cancelled) == end
    assert as_of(cancelled, end - INSTANT).subscription.status is Status.ACTIVE
    assert as_of(cancelled, end).subscription.status is Status.ENDED


def test_another_change_replaces_the_one_that_is_pending_and_the_present_terms_withdraw_it() -> None:
    subscription = changing.changed(started(NOON, LARGE), SMALL, When.AUTO, by=SOMEBODY).subscription
    replaced, told = changing.changed(subscription, QUARTER, When.AT_PERIOD_END, by=SOMEBODY)
    assert replaced.pending is not None
    assert (replaced.pending.terms, len(told)) == (QUARTER, 1)
    assert changing.changed(replaced, QUARTER, When.AT_PERIOD_END, by=SOMEBODY) == (replaced, [])

    withdrawn, told = changing.changed(replaced, LARGE, When.AUTO, by=SOMEBODY)
    assert (withdrawn.pending, [event.event_type.rsplit(".")[-1] for event in told]) == (None, ["change_withdrawn"])
    assert changing.changed(withdrawn, LARGE, When.NOW, by=SOMEBODY) == (withdrawn, [])
    assert later(withdrawn, 2027, 3, 15).phases == subscription.phases


def test_a_pending_change_comes_with_the_pause_and_counts_when_it_is_over() -> None:
    subscription = changing.changed(started(NOON, LARGE), SMALL, When.AUTO, by=SOMEBODY).subscription
    subscription = changing.paused(subscription, by=SOMEBODY).subscription
    subscription = later(subscription, 2027, 3, 10)
    assert (subscription.status, subscription.phase.terms) == (Status.PAUSED, SMALL)
    assert changing.paused(subscription, by=SOMEBODY) == (subscription, [])
    resumed = changing.resumed(subscription, by=SOMEBODY).subscription
    assert (resumed.phase.terms, resumed.phase.from_on) == (SMALL, date(2027, 3, 10))
    assert resumed.period_ends_on == date(2027, 4, 10)


def test_what_is_paused_ends_at_once_when_it_is_cancelled() -> None:
    subscription = changing.paused(started(NOON, LARGE), by=SOMEBODY).subscription
    subscription = later(subscription, 2027, 3, 10)
    ended = changing.cancelled(subscription, When.AT_PERIOD_END, "Enough.", by=SOMEBODY).subscription
    assert (ended.status, ended.ended_on, ended.phase.until_on) == (Status.ENDED, date(2027, 3, 10), date(2027, 2, 28))


def test_a_cancellation_forgets_a_pause_and_keeps_a_change_that_is_pending() -> None:
    subscription = changing.changed(started(NOON, LARGE), SMALL, When.AUTO, by=SOMEBODY).subscription
    subscription = changing.paused(subscription, by=SOMEBODY).subscription
    subscription = changing.cancelled(subscription, When.AT_PERIOD_END, None, by=SOMEBODY).subscription
    assert (subscription.pause_on, subscription.pending is not None) == (None, True)
    resumed = changing.resumed(subscription, by=SOMEBODY).subscription
    assert later(resumed, 2027, 3, 1).phase.terms == SMALL
    assert later(subscription, 2027, 3, 1).phase.terms == LARGE


def test_what_cannot_be_done_is_refused_by_name() -> None:
    running = started(NOON, LARGE)
    cancelled = changing.cancelled(running, When.AT_PERIOD_END, None, by=SOMEBODY).subscription
    paused = changing.paused(running, by=SOMEBODY).subscription
    ended = changing.cancelled(running, When.NOW, None, by=SOMEBODY).subscription

    with pytest.raises(NothingToResume):
        changing.resumed(running, by=SOMEBODY)
    with pytest.raises(CancellationScheduled):
        changing.paused(cancelled, by=SOMEBODY)
    for stopping in (cancelled, paused, later(paused, 2027, 4, 1)):
        with pytest.raises(ResumeFirst):
            changing.changed(stopping, SMALL, When.NOW, by=SOMEBODY)
    with pytest.raises(SubscriptionHasEnded):
        changing.changed(ended, SMALL, When.NOW, by=SOMEBODY)
    with pytest.raises(SubscriptionHasEnded):
        changing.cancelled(ended, When.NOW, None, by=SOMEBODY)
    with pytest.raises(SubscriptionHasEnded):
        changing.paused(ended, by=SOMEBODY)
    with pytest.raises(SubscriptionHasEnded):
        changing.resumed(ended, by=SOMEBODY)
