"""What the open period has come to is what its invoice would say, and what it will come to is never less."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.current_usage.models import NothingOpen, NotOpen, OpenPeriod, OpenStretch
from billing.current_usage.service import CurrentUsageService
from billing.invoicing.computing import compute
from billing.invoicing.items import advance, usage
from billing.metering.meters import Aggregation
from billing.periods import Period
from billing.pricing.plans import PlanVersion
from billing.proration import Subscribed, stretches
from billing.taxes import Taxation
from billing.usage.models import Counted
from tests.unit.billing.strategies import PERIOD, plans

ORG = UUID(int=1)


@dataclass
class World:
    """An organization's period, and what its meters have counted in each stretch.

    Attributes:
        opened: None without a subscription.
        counts: By when the stretch begins.
    """

    opened: OpenPeriod | None
    counts: Mapping[datetime, Mapping[str, Counted]]
    moment: datetime

    async def open(self, org_id: UUID, at: datetime) -> OpenPeriod:
        assert (org_id, at) == (ORG, self.moment)
        if self.opened is None:
            raise NothingOpen(NotOpen.PAUSED)
        return self.opened

    async def counted(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Counted]:
        assert org_id == ORG
        return {code: self.counts[period.start][code] for code in codes}

    def now(self) -> datetime:
        return self.moment


def service(world: World) -> CurrentUsageService:
    return CurrentUsageService(periods=world, counted=world, clock=world)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    plan = draw(plans())
    changed = [date(2026, 11, day) for day in draw(st.lists(st.integers(2, 20), max_size=2, unique=True))]
    parts = [OpenStretch(stretch=part, plan=plan) for part in stretches(PERIOD, changed, "UTC")]
    counts = {
        part.stretch.period.start: {
            charge.meter or "": Counted(
                aggregation=draw(st.sampled_from(Aggregation)), quantity=Decimal(draw(st.integers(0, 1000)))
            )
            for charge in plan.for_usage
        }
        for part in parts
    }
    opened = OpenPeriod(
        subscription_id=ORG,
        period=PERIOD,
        currency=plan.currency,
        taxation=Taxation(),
        advance=tuple(advance(Subscribed(plan=plan), PERIOD, Taxation())),
        stretches=tuple(parts),
    )
    return World(opened, counts, PERIOD.start + timedelta(hours=draw(st.integers(21 * 24, 30 * 24))))


def invoiced(world: World, plan: PlanVersion) -> int:
    """What the invoice would come to if nothing more was used."""
    assert world.opened is not None
    items = list(world.opened.advance)
    for part in world.opened.stretches:
        counts = world.counts[part.stretch.period.start]
        quantities = {code: count.quantity for code, count in counts.items()}
        items += usage(plan.for_usage, quantities, part.stretch.period, Taxation(), share=part.stretch.share)
    return compute(world.opened.currency, items).total


@given(worlds())
async def test_so_far_it_is_what_an_invoice_would_say_and_at_the_end_that_of_what_is_projected(world: World) -> None:
    assert world.opened is not None
    found = await service(world).read(ORG)

    assert found.so_far.total == invoiced(world, world.opened.stretches[0].plan)
    assert (found.as_of, found.period) == (world.moment, PERIOD)
    pairs = zip(found.so_far.lines, found.projected.lines, strict=True)
    for now, then in pairs:
        assert then.quantity >= now.quantity
        if then.quantity == now.quantity:
            assert then == now
    if world.moment == PERIOD.end:
        assert found.projected == found.so_far


async def test_without_a_period_there_is_nothing_to_show() -> None:
    with pytest.raises(NothingOpen):
        await service(World(None, {}, PERIOD.start)).read(ORG)
