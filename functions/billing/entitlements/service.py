"""What one may use."""

from collections.abc import Sequence
from uuid import UUID

from billing.entitlements.models import Entitlement, Reason
from billing.entitlements.ports import CountedUsage, LiveSubscriptions
from billing.pricing.plans import Feature
from billing.subscriptions.models import Subscription


class EntitlementService:
    """Says what an organization may use, by the plan that it has now. Nothing is refused by an error."""

    def __init__(self, *, subscriptions: LiveSubscriptions, usage: CountedUsage) -> None:
        self._subscriptions = subscriptions
        self._usage = usage

    async def all(self, org_id: UUID) -> Sequence[Entitlement]:
        """To every feature of the plan; none without a subscription that runs. Raises DatabaseUnavailable."""
        subscription = await self._subscriptions.live(org_id)
        if subscription is None or not subscription.running:
            return []
        return await self._entitlements(subscription, subscription.phase.terms.definition.features)

    async def to(self, org_id: UUID, feature: str) -> Entitlement:
        """To a feature, which the plan may or may not have. Raises DatabaseUnavailable."""
        subscription = await self._subscriptions.live(org_id)
        if subscription is None:
            return Entitlement.refused(feature, Reason.NOT_SUBSCRIBED)
        if not subscription.running:
            return Entitlement.refused(feature, Reason.PAUSED)
        features = [each for each in subscription.phase.terms.definition.features if each.code == feature]
        if not features:
            return Entitlement.refused(feature, Reason.NOT_IN_PLAN)
        [entitlement] = await self._entitlements(subscription, features)
        return entitlement

    async def _entitlements(self, subscription: Subscription, features: Sequence[Feature]) -> Sequence[Entitlement]:
        period = subscription.current_period
        meters = {feature.meter for feature in features if feature.meter is not None}
        if period is None or not meters:
            return [Entitlement.to(feature, None, None) for feature in features]
        used = await self._usage.quantities(subscription.org_id, meters, period)
        return [
            Entitlement.to(feature, used[feature.meter] if feature.meter is not None else None, period.end)
            for feature in features
        ]
