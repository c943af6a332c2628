"""What subscriptions owe: for every day once, and for any chain of changes what its days add up to."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given

from billing.invoicing.computing import compute
from billing.invoicing.items import Item, ItemKind
from billing.periods import day_of
from billing.pricing.components import amount_of
from billing.proration import days
from billing.subscriptions import changing
from billing.subscriptions.bills import period_bill, periods
from billing.subscriptions.dates import as_of
from billing.subscriptions.models import Subscription, Terms, When
from billing.taxes import UNTAXED
from llmo_core.currencies import Currency
from tests.unit.billing.chains import SOMEBODY, Chain, chains, days_had, started, terms

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
SMALL, LARGE, QUARTER = terms(1, "20"), terms(2, "50"), terms(3, "130", months=3)


def exactly(items: tuple[Item, ...]) -> Fraction:
    """What items come to before any rounding."""
    return sum(
        (
            (-1 if item.kind is ItemKind.UNUSED else 1)
            * Fraction(amount_of(item.price.rate(item.quantity, item.included)))
            * Fraction(item.share.days, item.share.of)
            for item in items
        ),
        Fraction(),
    )


@given(chains())
def test_any_chain_of_changes_costs_what_its_days_cost(chain: Chain) -> None:
    subscription = chain.last
    for period in periods(subscription, subscription.as_of):
        bill = period_bill(subscription, period, UNTAXED)
        owed = exactly(bill.advance) + sum((exactly(change.items) for change in bill.changes), Fraction())

        # A period that somebody is in is paid to its end; one that was left, for the days that were had.
        length = days(period, subscription.time_zone)
        had = Fraction()
        for rated in bill.stretches:
            had += Fraction(rated.phase.terms.subscribed.in_advance) * Fraction(rated.stretch.share.days, length)
        assert owed == had


@given(chains())
def test_every_day_that_is_paid_is_in_one_stretch(chain: Chain) -> None:
    subscription = chain.last
    zone, until = subscription.time_zone, subscription.as_of
    rated: list[tuple[date, int]] = []
    for period in periods(subscription, until):
        for part in period_bill(subscription, period, UNTAXED).stretches:
            day, end = day_of(part.stretch.period.start, zone), day_of(part.stretch.period.end, zone)
            while day < end:
                rated.append((day, part.phase.number))
                day += timedelta(days=1)

    first_paid = subscription.starts_on + timedelta(days=subscription.trial_days)
    today = day_of(until, zone)
    expected = {
        (day, phase.number)
        for day, phase in days_had(subscription, today + timedelta(days=1))
        if day >= first_paid and subscription.begins(day) < subscription.begins(day + timedelta(days=1))
    }
    assert len(rated) == len({day for day, _ in rated})
    assert {each for each in rated if each[0] <= today} == {each for each in expected if each[0] <= today}


@given(chains())
def test_changes_are_due_in_the_order_in_which_they_were_made(chain: Chain) -> None:
    for period in periods(chain.last, chain.last.as_of):
        bill = period_bill(chain.last, period, UNTAXED)
        assert all(one.at <= other.at and one.on <= other.on for one, other in pairwise(bill.changes))
        assert all(period.start < change.at < period.end for change in bill.changes)


def changed(subscription: Subscription, days_later: int, wanted: Terms, when: When = When.AUTO) -> Subscription:
    now_is = as_of(subscription, subscription.as_of + timedelta(days=days_later)).subscription
    return changing.changed(now_is, wanted, when, by=SOMEBODY).subscription


def test_what_is_changed_to_is_charged_for_the_days_that_are_left() -> None:
    subscription = changed(started(NOON, SMALL), 14, LARGE)
    [period] = periods(subscription, subscription.as_of)
    bill = period_bill(subscription, period, UNTAXED)

    assert [(item.code, item.kind) for item in bill.advance] == [("fee", "advance"), ("seats", "advance")]
    [change] = bill.changes
    assert (change.on, change.at) == (date(2027, 2, 14), subscription.as_of)
    invoice = compute(Currency.USD, change.items)
    assert [line.amount for line in invoice.lines] == [-1000, -250, 2500, 250]
    assert [(part.stretch.share.days, part.phase.number) for part in bill.stretches] == [(14, 1), (14, 2)]


def test_a_change_on_the_day_on_which_a_period_begins_credits_what_was_charged_that_midnight() -> None:
    subscription = as_of(started(NOON, SMALL), datetime(2027, 2, 28, 9, tzinfo=UTC)).subscription
    subscription = changed(subscription, 0, LARGE)
    _, second = periods(subscription, subscription.as_of)
    bill = period_bill(subscription, second, UNTAXED)

    assert exactly(bill.advance) == 25
    [change] = bill.changes
    assert exactly(change.items) == 30
    assert [part.phase.number for part in bill.stretches] == [2]


def test_a_change_that_was_scheduled_for_that_day_is_charged_in_advance() -> None:
    subscription = changed(started(NOON, LARGE), 3, SMALL)
    subscription = as_of(subscription, datetime(2027, 2, 28, 9, tzinfo=UTC)).subscription
    _, second = periods(subscription, subscription.as_of)
    bill = period_bill(subscription, second, UNTAXED)

    assert exactly(bill.advance) == 25
    assert bill.changes == ()


def test_another_cadence_begins_a_cycle_with_the_day_of_the_change() -> None:
    subscription = changed(started(NOON, SMALL), 14, QUARTER, When.NOW)
    left, begun = periods(subscription, subscription.as_of)
    old, new = (period_bill(subscription, period, UNTAXED) for period in (left, begun))

    assert (begun.start, begun.end) == (datetime(2027, 2, 14, tzinfo=UTC), datetime(2027, 5, 14, tzinfo=UTC))
    assert [exactly(change.items) for change in old.changes] == [Fraction(-25, 2)]
    assert [part.stretch.share.days for part in old.stretches] == [14]
    assert exactly(new.advance) == 135
    assert new.changes == ()


def test_what_ends_now_is_credited_from_tomorrow_on() -> None:
    subscription = as_of(started(NOON, SMALL), NOON + timedelta(days=13)).subscription
    subscription = changing.cancelled(subscription, When.NOW, None, by=SOMEBODY).subscription
    [period] = periods(subscription, subscription.as_of)
    bill = period_bill(subscription, period, UNTAXED)

    [change] = bill.changes
    assert (change.on, exactly(change.items)) == (date(2027, 2, 14), Fraction(-25, 2))
    assert [part.stretch.share.days for part in bill.stretches] == [14]


@pytest.mark.parametrize("trial_days", [0, 14])
def test_a_trial_and_a_pause_are_owed_nothing_for(trial_days: int) -> None:
    subscription = started(NOON, SMALL, trial_days=trial_days)
    assert len(periods(subscription, NOON)) == (0 if trial_days else 1)
    subscription = changing.paused(subscription, by=SOMEBODY).subscription
    subscription = as_of(subscription, NOON + timedelta(days=60)).subscription
    assert len(periods(subscription, subscription.as_of)) == (0 if trial_days else 1)
    subscription = changing.resumed(subscription, by=SOMEBODY).subscription
    *_, last = periods(subscription, subscription.as_of)
    assert last.start == datetime(2027, 4, 1, tzinfo=UTC)
    assert exactly(period_bill(subscription, last, UNTAXED).advance) == 25
