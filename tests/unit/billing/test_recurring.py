"""What recurs of invoices: on every day what is had on it costs per month, whatever was changed before."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import compute
from billing.invoicing.items import Item
from billing.invoicing.recurring import Recurring, recurring
from billing.periods import day_of
from billing.subscriptions.bills import period_bill, periods
from billing.subscriptions.models import Terms
from billing.taxes import UNTAXED
from llmo_core.currencies import Currency
from tests.unit.billing.chains import Chain, chains, days_had, local, started, terms


def _recurring(items: tuple[Item, ...]) -> list[Recurring]:
    return recurring(Breakdown.of(compute(Currency.USD, items)))


def _monthly(had: Terms) -> Fraction:
    """What a plan costs per month, its fee and its seats each rounded for a whole period."""
    lines = had.subscribed.plan.in_advance
    per_period = sum(
        round(Fraction(charge.price.rate(charge.quantity(seats=had.subscribed.seats), charge.included)[0].amount) * 100)
        for charge in lines
    )
    return Fraction(per_period, had.definition.cadence.months)


@given(chains(), st.data())
def test_what_recurs_on_a_day_is_what_is_had_on_it(chain: Chain, data: st.DataObject) -> None:
    subscription = chain.last
    zone, today = subscription.time_zone, day_of(subscription.as_of, subscription.time_zone)
    amounts: list[Recurring] = []
    had: dict[object, int] = {}
    for period in periods(subscription, subscription.as_of):
        bill = period_bill(subscription, period, UNTAXED)
        amounts += _recurring(bill.advance)
        for change in bill.changes:
            amounts += _recurring(change.items)
        for rated in bill.stretches:
            day = day_of(rated.stretch.period.start, zone)
            while day < day_of(rated.stretch.period.end, zone):
                had[day] = rated.phase.number
                day += timedelta(days=1)
    phases = {phase.number: phase for phase in subscription.phases}
    days = [day for day, _ in days_had(subscription, today + timedelta(days=1))]
    if not days:
        return
    day = data.draw(st.sampled_from(days))
    noon = local(zone, day, 12)  # where clocks change, an hour of a midnight may count for the day beside it

    recurs = sum(
        (Fraction(amount.net, amount.months) for amount in amounts if noon in amount.period),
        Fraction(),
    )
    assert recurs == (_monthly(phases[had[day]].terms) if day in had else 0)


def test_a_year_recurs_in_twelve_parts_and_usage_not_at_all() -> None:
    subscription = started(datetime(2027, 1, 31, tzinfo=UTC), terms(1, "120", months=12, seats=2))
    [period] = periods(subscription, subscription.as_of)
    amounts = _recurring(period_bill(subscription, period, UNTAXED).advance)

    assert [(amount.net, amount.months, amount.period) for amount in amounts] == [
        (12000, 12, period),
        (1000, 12, period),
    ]
