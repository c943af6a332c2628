"""What is announced of changes that are paid for before they take effect."""

from uuid import UUID

from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class PaidChangeRequested(Event, name="llmo.billing.subscription_change.requested"):
    """Somebody wants to change a subscription, and to pay `amount`, in minor units, for that first."""

    change_id: UUID
    subscription_id: UUID
    plan_id: UUID
    version: int
    seats: int
    currency: Currency
    amount: MinorUnits


class PaidChangeApplied(Event, name="llmo.billing.subscription_change.applied"):
    """A change was paid for, and is in effect."""

    change_id: UUID
    subscription_id: UUID


class PaidChangeFailed(Event, name="llmo.billing.subscription_change.failed"):
    """A change has no effect: it was not paid for, or not possible any more. What was paid is the customer's credit."""

    change_id: UUID
    subscription_id: UUID
    failure: str
