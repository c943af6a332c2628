"""What can go wrong with subscriptions."""

from types import MappingProxyType
from uuid import UUID

from llmo_core.errors import Conflict, NotFound


class UnknownSubscription(NotFound):
    """The organization has no subscription with this id."""


class AlreadySubscribed(Conflict):
    """The organization has a live subscription: change that one."""

    def __init__(self, subscription_id: UUID) -> None:
        super().__init__(f"The organization has a live subscription, {subscription_id}: change that one.")
        self.extensions = MappingProxyType({"subscription_id": str(subscription_id)})


class PlanNotOffered(Conflict):
    """Nobody can subscribe to this plan: it is a draft, or archived."""


class VersionNotOffered(Conflict):
    """The plan has another version by now: look at it, and decide anew."""


class SubscriptionHasEnded(Conflict):
    """The subscription has ended: start another one."""


class ResumeFirst(Conflict):
    """The subscription is paused, or will be paused or end with its period: resume it first."""


class CancellationScheduled(Conflict):
    """The subscription ends with its period: resume it before it is paused."""


class NothingToResume(Conflict):
    """The subscription is neither cancelled nor paused."""
