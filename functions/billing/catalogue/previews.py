"""Trying a price out: what a period of a plan would cost."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from billing.catalogue.plans import PlanService
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import compute
from billing.invoicing.items import advance, usage
from billing.periods import BillingCycle, day_of
from billing.pricing.plans import PlanVersion
from billing.proration import Subscribed
from billing.taxes import Taxation
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.model import Model


class WantedPreview(Model):
    """What is asked.

    Attributes:
        plan_id: Whose version it is about; None of one that is only thought of, which is `definition` then.
        number: Which version; None is the newest.
        quantities: What each meter would have counted, by its code.
        starts_on: The first day of the period; None is today.
    """

    plan_id: UUID | None
    number: int | None
    definition: PlanVersion | None
    quantities: Mapping[str, Decimal]
    seats: Decimal
    starts_on: date | None
    time_zone: str
    taxation: Taxation


class PreviewService:
    """Computes invoices that nobody gets, as those are computed that somebody gets."""

    def __init__(self, *, plans: PlanService, clock: Clock) -> None:
        self._plans = plans
        self._clock = clock

    async def preview(self, principal: Principal, wanted: WantedPreview) -> Breakdown:
        """What is due for one whole period: in advance, and for what would have been used in it.

        Nothing is kept. Raises UnknownPlan, UnknownVersion, MissingAggregate, UnratableQuantity, AmountTooLarge.
        """
        plan = await self._definition(principal, wanted)
        period = BillingCycle(
            starts_on=wanted.starts_on or day_of(self._clock.now(), wanted.time_zone),
            time_zone=wanted.time_zone,
            cadence=plan.cadence,
        ).period(0)
        items = [
            *advance(Subscribed(plan=plan, seats=wanted.seats), period, wanted.taxation),
            *usage(plan.for_usage, wanted.quantities, period, wanted.taxation),
        ]
        return Breakdown.of(compute(plan.currency, items))

    async def _definition(self, principal: Principal, wanted: WantedPreview) -> PlanVersion:
        if wanted.definition is not None:
            return wanted.definition
        if wanted.plan_id is None:
            raise ValueError("a preview is of a plan, or of a definition")
        if wanted.number is None:
            return (await self._plans.find(principal, wanted.plan_id)).version.definition
        return (await self._plans.version(principal, wanted.plan_id, wanted.number)).definition
