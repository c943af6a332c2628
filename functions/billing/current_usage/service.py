"""What the open period has come to, and what it will, priced by what will make its invoice."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from billing.current_usage.models import CurrentUsage, OpenStretch
from billing.current_usage.ports import CountedUsage, OpenPeriods
from billing.current_usage.projecting import projected
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import compute
from billing.invoicing.items import Item, usage
from billing.pricing.plans import PlanVersion
from billing.taxes import Taxation
from llmo_core.clock import Clock


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
        so_far, at_end = list(opened.advance), list(opened.advance)
        for each in opened.stretches:
            when = each.stretch.period
            found = await self._counted.counted(org_id, _meters(each.plan), when)
            so_far += _items(each, {code: count.quantity for code, count in found.items()}, opened.taxation)
            ends = {code: projected(count.aggregation, count.quantity, when, now) for code, count in found.items()}
            at_end += _items(each, ends, opened.taxation)
        return CurrentUsage(
            subscription_id=opened.subscription_id,
            as_of=now,
            period=opened.period,
            so_far=Breakdown.of(compute(opened.currency, so_far)),
            projected=Breakdown.of(compute(opened.currency, at_end)),
        )


def _meters(plan: PlanVersion) -> Sequence[str]:
    return [charge.meter for charge in plan.for_usage if charge.meter is not None]


def _items(of: OpenStretch, quantities: Mapping[str, Decimal], taxation: Taxation) -> Sequence[Item]:
    return usage(of.plan.for_usage, quantities, of.stretch.period, taxation, share=of.stretch.share)
