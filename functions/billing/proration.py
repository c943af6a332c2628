"""Proration: the share of a period's days that something is charged for.

Days are those of the calendar in the organization's time zone, however many hours they have. The day of a change
belongs to what is changed to, all of it, with what is used on it: a change on a period's first day shares out the whole
period, one on its last day a single day.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from billing.exact import decimal_of, product, total
from billing.fields import MOST_DECIMALS, Quantity
from billing.periods import Period, day_of, midnight
from billing.pricing.plans import PlanVersion
from billing.pricing.prices import exact_amount
from llmo_core.errors import Invalid
from llmo_core.model import Model


class OutsidePeriod(Invalid):
    """The change does not lie in the period that it shares out."""


class CurrenciesDiffer(Invalid):
    """A subscription keeps its currency."""


class Share(Model):
    """So many days of those that a period has."""

    days: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        if self.days > self.of:
            raise ValueError(f"a period of {self.of} days has no {self.days}")
        return self


WHOLE = Share(days=1, of=1)


def days(period: Period, time_zone: str) -> int:
    """How many days of the calendar a period has."""
    return (day_of(period.end, time_zone) - day_of(period.start, time_zone)).days


def share_from(period: Period, day: date, time_zone: str) -> Share:
    """The share of a period from a day on, and with it, until its end. Raises OutsidePeriod."""
    first, end = day_of(period.start, time_zone), day_of(period.end, time_zone)
    if not first <= day < end:
        raise OutsidePeriod
    return Share(days=(end - day).days, of=(end - first).days)


def share_at(period: Period, moment: datetime, time_zone: str) -> Share:
    """The share of a period from the day of a moment on. Raises OutsidePeriod."""
    return share_from(period, day_of(moment, time_zone), time_zone)


class Stretch(Model):
    """A part of a period in which one plan was had, and its share of the period's days."""

    period: Period
    share: Share


def stretches(period: Period, changed_on: Iterable[date], time_zone: str) -> Sequence[Stretch]:
    """The parts of a period between changes: each of its days is in one of them.

    Several changes on a day are one, and one on the first day leaves nothing before it. Raises OutsidePeriod.
    """
    first, end = day_of(period.start, time_zone), day_of(period.end, time_zone)
    changes = sorted({first, *changed_on})
    if not first <= changes[0] <= changes[-1] < end:
        raise OutsidePeriod
    return [
        Stretch(
            period=Period(start=midnight(begins, time_zone), end=midnight(ends, time_zone)),
            share=Share(days=(ends - begins).days, of=(end - first).days),
        )
        for begins, ends in pairwise([*changes, end])
    ]


def prorated(included: Decimal, share: Share) -> Decimal:
    """The share of what is included in a whole period, rounded up to twelve decimal places."""
    above, below = included.as_integer_ratio()
    scaled = -(-above * 10**MOST_DECIMALS * share.days // (below * share.of))
    return decimal_of(scaled, MOST_DECIMALS)


class Subscribed(Model):
    """A plan, and for how many seats."""

    plan: PlanVersion
    seats: Quantity = Decimal(1)

    @property
    def in_advance(self) -> Decimal:
        """What is due at the beginning of each period, exactly."""
        return total(
            exact_amount(charge.price, charge.quantity(seats=self.seats), charge.included)
            for charge in self.plan.in_advance
        )


class TakesEffect(StrEnum):
    """When a change of plan or seats does: what costs more at once, what costs less when the period has ended."""

    NOW = "now"
    AT_PERIOD_END = "at_period_end"


def takes_effect(old: Subscribed, new: Subscribed) -> TakesEffect:
    """Compare what is due in advance for a month: what stays as dear takes effect at once, as what gets dearer.

    Raises CurrenciesDiffer.
    """
    if old.plan.currency is not new.plan.currency:
        raise CurrenciesDiffer
    # A period's amount over its months, compared without dividing.
    before = product(old.in_advance, Decimal(new.plan.cadence.months))
    after = product(new.in_advance, Decimal(old.plan.cadence.months))
    return TakesEffect.NOW if after >= before else TakesEffect.AT_PERIOD_END
