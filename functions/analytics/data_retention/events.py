"""What others announce that says for how long events are kept."""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import Field

from llmo_messaging.envelope import Event


class PlanEvent(Event):
    """Something that says what the plan of its envelope's organization is now."""

    features: Mapping[str, Decimal | None] = Field(default_factory=dict)


class SubscriptionStarted(PlanEvent, name="llmo.billing.subscription.started"):
    """The organization has a plan."""


class SubscriptionChanged(PlanEvent, name="llmo.billing.subscription.changed"):
    """The organization has another plan, or another version of it."""


class SubscriptionEnded(PlanEvent, name="llmo.billing.subscription.ended"):
    """The organization has no plan."""


class OrganizationClosed(Event, name="llmo.auth.organization.closed"):
    """Nobody gets into the organization any more."""
