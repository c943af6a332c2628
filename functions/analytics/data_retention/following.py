"""Following what others announce: other plans, and organizations that are closed."""

from collections.abc import Sequence

from analytics.data_retention.events import OrganizationClosed, PlanEvent
from analytics.data_retention.models import GRACE, days_of
from analytics.data_retention.ports import Expiring, Retentions
from llmo_core.clock import Clock
from llmo_messaging.consumer import Delivery


class Following:
    """Has events end as plans have it, and those of closed organizations after their grace. Safe to repeat."""

    def __init__(self, *, retentions: Retentions, events: Expiring, clock: Clock) -> None:
        self._retentions = retentions
        self._events = events
        self._clock = clock

    async def plans(self, deliveries: Sequence[Delivery[PlanEvent]]) -> None:
        """Keep events for as long as the newest plan has it, in whatever order plans are told of.

        Raises StoreUnavailable.
        """
        for envelope, event in ((delivery.envelope, delivery.event) for delivery in deliveries):
            if envelope.orgid is not None:
                days = days_of(event.features)
                retention = await self._retentions.follow_plan(envelope.orgid, days, at=envelope.time)
                await self._events.expire(retention, today=self._clock.now().date())

    async def closings(self, deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
        """Have all events end 30 days after their organization was closed. Raises StoreUnavailable."""
        for envelope in (delivery.envelope for delivery in deliveries):
            if envelope.orgid is not None:
                retention = await self._retentions.close(envelope.orgid, ends_at=envelope.time + GRACE)
                await self._events.expire(retention, today=self._clock.now().date())
