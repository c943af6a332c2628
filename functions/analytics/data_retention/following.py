"""Following what others announce: other plans, and organizations that are closed."""

from collections.abc import Sequence
from datetime import timedelta

from analytics.data_retention.applying import Applying
from analytics.data_retention.events import OrganizationClosed, PlanEvent, SubscriptionEnded
from analytics.data_retention.models import GRACE, days_of
from analytics.data_retention.ports import Retentions
from llmo_messaging.consumer import Delivery


class Following:
    """Has events end as plans have it, and those of closed organizations after their grace. Safe to repeat."""

    def __init__(self, *, retentions: Retentions, applying: Applying) -> None:
        self._retentions = retentions
        self._applying = applying

    async def plans(self, deliveries: Sequence[Delivery[PlanEvent]]) -> None:
        """Keep events for as long as the newest plan has it, in whatever order plans are told of.

        When a subscription ends, nothing ends sooner for 30 days. Raises StoreUnavailable.
        """
        for envelope, event in ((delivery.envelope, delivery.event) for delivery in deliveries):
            if envelope.orgid is not None:
                days = days_of(event.features)
                grace = GRACE if isinstance(event, SubscriptionEnded) else timedelta()
                await self._applying.begin(
                    await self._retentions.follow_plan(envelope.orgid, days, at=envelope.time, grace=grace)
                )

    async def closings(self, deliveries: Sequence[Delivery[OrganizationClosed]]) -> None:
        """Have all events end 30 days after their organization was closed. Raises StoreUnavailable."""
        for envelope in (delivery.envelope for delivery in deliveries):
            if envelope.orgid is not None:
                await self._applying.begin(await self._retentions.close(envelope.orgid, ends_at=envelope.time + GRACE))
