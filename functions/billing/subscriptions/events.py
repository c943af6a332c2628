"""What is announced of subscriptions. `by` is who did it; None where a date or the end of an organization did.

`features` are those of the plan, by their codes: how much there is of each, None without a limit.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from llmo_messaging.envelope import Event


class SubscriptionStarted(Event, name="llmo.billing.subscription.started"):
    """The organization has a plan."""

    subscription_id: UUID
    plan_id: UUID
    version: int
    seats: int
    starts_on: date
    trial_ends_at: datetime | None
    features: Mapping[str, Decimal | None]
    by: UUID


class SubscriptionChanged(Event, name="llmo.billing.subscription.changed"):
    """Other terms are in force, from the beginning of the day `on`; `phase` is the number of their phase."""

    subscription_id: UUID
    phase: int
    plan_id: UUID
    version: int
    seats: int
    features: Mapping[str, Decimal | None]
    on: date
    by: UUID | None


class ChangeScheduled(Event, name="llmo.billing.subscription.change_scheduled"):
    """Other terms will come into force with a day, and none that were scheduled before."""

    subscription_id: UUID
    plan_id: UUID
    version: int
    seats: int
    takes_effect_on: date
    by: UUID


class ChangeWithdrawn(Event, name="llmo.billing.subscription.change_withdrawn"):
    """The terms stay what they are."""

    subscription_id: UUID
    by: UUID


class CancellationScheduled(Event, name="llmo.billing.subscription.cancellation_scheduled"):
    """The subscription will end with a day, unless it is resumed."""

    subscription_id: UUID
    cancel_on: date
    reason: str | None
    by: UUID


class SubscriptionCancelled(Event, name="llmo.billing.subscription.cancelled"):
    """Somebody ended the subscription at once."""

    subscription_id: UUID
    reason: str | None
    by: UUID


class PauseScheduled(Event, name="llmo.billing.subscription.pause_scheduled"):
    """The subscription will be paused from a day on, unless it is resumed."""

    subscription_id: UUID
    pause_on: date
    by: UUID


class SubscriptionPaused(Event, name="llmo.billing.subscription.paused"):
    """Nothing is billed from this day on, and nothing can be used."""

    subscription_id: UUID
    on: date


class SubscriptionResumed(Event, name="llmo.billing.subscription.resumed"):
    """The subscription goes on: it was paused, or would have been paused or have ended.

    `phase` is the number of the one with which a new cycle begins, after a pause.
    """

    subscription_id: UUID
    phase: int | None
    by: UUID


class TrialEnding(Event, name="llmo.billing.subscription.trial_ending"):
    """The trial ends in three days, or sooner if it is shorter."""

    subscription_id: UUID
    trial_ends_at: datetime


class TrialEnded(Event, name="llmo.billing.subscription.trial_ended"):
    """The first period begins that is paid."""

    subscription_id: UUID
    trial_ends_at: datetime


class SubscriptionEnded(Event, name="llmo.billing.subscription.ended"):
    """The subscription has ended, for whatever reason. `ended_on` is the first day that is not its own any more."""

    subscription_id: UUID
    ended_on: date
    reason: str | None
