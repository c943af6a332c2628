"""What the open period has come to, and what it will, priced by what will make its invoice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import compute
from billing.invoicing.items import Item, usage
from billing.periods import Period
from billing.pricing.plans import PlanVersion
from billing.taxes import Taxation
from billing.usage.models import OpenStretch
from billing.usage.ports import CountedUsage, OpenPeriods
from billing.usage.projecting import projected
from llmo_core.clock import Clock
from llmo_core.errors import NotFound
from llmo_core.model import Model


class NothingOpen(NotFound):
    """The organization has no period under way: it has no subscription, or that is paused or being tried out."""


class CurrentUsage(Model):
    """What a period has come to.

    Attributes:
        so_far: The invoice if the period had ended at `as_of`, but for what is still on its way to be counted.
        projected: The same at its end, if sums and counts go on as they did since the plan's days began; maxima and
            numbers of different values stay.
    """

    as_of: datetime
    period: Period
    so_far: Breakdown
    projected: Breakdown


class CurrentUsageService:
    """Shows what is used now."""

    def __init__(self, *, periods: OpenPeriods, counted: CountedUsage, clock: Clock) -> None:
        self._periods = periods
        self._counted = counted
        self._clock = clock

    async def read(self, org_id: UUID) -> CurrentUsage:
        """What the organization's open period has come to, and will. Raises NothingOpen, and what pricing raises."""
        now = self._clock.now()
        opened = await self._periods.open(org_id, now)
        if opened is None:
            raise NothingOpen
        so_far, at_end = list(opened.advance), list(opened.advance)
        for each in opened.stretches:
            when = each.stretch.period
            found = await self._counted.counted(org_id, _meters(each.plan), when)
            so_far += _items(each, {code: count.quantity for code, count in found.items()}, opened.taxation)
            ends = {code: projected(count.aggregation, count.quantity, when, now) for code, count in found.items()}
            at_end += _items(each, ends, opened.taxation)
        return CurrentUsage(
            as_of=now,
            period=opened.period,
            so_far=Breakdown.of(compute(opened.currency, so_far)),
            projected=Breakdown.of(compute(opened.currency, at_end)),
        )


def _meters(plan: PlanVersion) -> Sequence[str]:
    return [charge.meter for charge in plan.for_usage if charge.meter is not None]


def _items(of: OpenStretch, quantities: Mapping[str, Decimal], taxation: Taxation) -> Sequence[Item]:
    return usage(of.plan.for_usage, quantities, of.stretch.period, taxation, share=of.stretch.share)
