"""Subscriptions as they are known: facts, from which every state follows with the time.

Days are those of the calendar in the subscription's time zone. What is said of a moment is true of the facts as
`billing.subscriptions.dates.as_of` brings them up to it.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from billing.models import ChangedMeanwhile
from billing.periods import BillingCycle, Period, TrialDays, day_of, midnight
from billing.pricing.plans import PlanVersion
from billing.proration import Subscribed
from billing.subscriptions.errors import SubscriptionHasEnded
from llmo_core.fields import Moment, TimeZone
from llmo_core.model import Model

type Seats = Annotated[int, Field(ge=1, le=1_000_000)]


class Status(StrEnum):
    """What a subscription is at a moment. Only what is `trialing` or `active` gives access to anything."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class When(StrEnum):
    """When a change takes effect. `auto`: at once what costs as much or more, at the period's end what costs less."""

    AUTO = "auto"
    NOW = "now"
    AT_PERIOD_END = "at_period_end"


class Terms(Model):
    """What one subscribes to: a version of a plan, for so many seats."""

    plan_id: UUID
    version: int
    definition: PlanVersion
    seats: Seats

    @property
    def subscribed(self) -> Subscribed:
        """The same as it is priced."""
        return Subscribed(plan=self.definition, seats=Decimal(self.seats))

    @property
    def features(self) -> Mapping[str, Decimal | None]:
        """What one may use, by code: how much of it; None without a limit."""
        return {feature.code: feature.limit for feature in self.definition.features}

    def same_as(self, other: "Terms") -> bool:
        """Whether both are the same version for as many seats."""
        return (self.plan_id, self.version, self.seats) == (other.plan_id, other.version, other.seats)


class Phase(Model):
    """Days with the same terms. It never changes, but that it ends once.

    Attributes:
        number: 1, 2, 3 and so on.
        from_on: Its first day.
        until_on: The first day after it; None of the present one. One that another replaced on its first day has none.
        begins_at: When it came into force, on that day or at midnight.
        ends_at: When it was in force no more; what is left of that day may be another's already.
        cycle_starts_on: The day that its periods are counted from: the first paid one, which may come.
    """

    number: int
    terms: Terms
    from_on: date
    until_on: date | None = None
    begins_at: Moment
    ends_at: Moment | None = None
    cycle_starts_on: date

    def ended(self, on: date, at: datetime) -> "Phase":
        """The same, no more in force."""
        return self.model_copy(update={"until_on": max(on, self.from_on), "ends_at": max(at, self.begins_at)})

    def cycle(self, time_zone: str) -> BillingCycle:
        """Its periods."""
        return BillingCycle(starts_on=self.cycle_starts_on, time_zone=time_zone, cadence=self.terms.definition.cadence)


class PendingChange(Model):
    """Other terms that come into force with the day `takes_effect_on`."""

    terms: Terms
    takes_effect_on: date


class Subscription(Model):
    """What is known of a subscription.

    Attributes:
        time_zone: Whose days count, fixed when it starts.
        starts_on: Its first day: the one on which somebody subscribed, or the next when the day was another's.
        trial_days: So many days from then on are not paid.
        phases: In order; the last one is the present one, or was the last.
        cancel_on: The day with which it ends.
        pause_on: The day with which a pause begins, or has begun.
        ended_on: The first day that is not its own any more.
        ended_at: When it ended; None while it is live.
        as_of: What dates had brought until this moment is part of the facts.
        revision: 1, and one more with each change.
    """

    id: UUID
    org_id: UUID
    time_zone: TimeZone
    starts_on: date
    trial_days: TrialDays
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    pending: PendingChange | None = None
    cancel_on: date | None = None
    cancel_reason: str | None = None
    pause_on: date | None = None
    ended_on: date | None = None
    ended_at: Moment | None = None
    as_of: Moment
    revision: int = 1
    created_by: UUID
    created_at: Moment

    @property
    def phase(self) -> Phase:
        """The present phase, or the last one."""
        return self.phases[-1]

    @property
    def today(self) -> date:
        """The day that it is for the subscription; its first one before it has begun."""
        return max(day_of(self.as_of, self.time_zone), self.starts_on)

    @property
    def trial_ends_at(self) -> datetime | None:
        """When what is used is paid for; None without a trial."""
        if not self.trial_days:
            return None
        return self.begins(self.starts_on + timedelta(days=self.trial_days))

    @property
    def status(self) -> Status:
        """What it is."""
        if self.ended_at is not None:
            return Status.ENDED
        if self.pause_on is not None and self.begins(self.pause_on) <= self.as_of:
            return Status.PAUSED
        trial_end = self.trial_ends_at
        return Status.TRIALING if trial_end is not None and self.as_of < trial_end else Status.ACTIVE

    @property
    def running(self) -> bool:
        """Whether it gives access to what its plan has."""
        return self.status in {Status.TRIALING, Status.ACTIVE}

    @property
    def current_period(self) -> Period | None:
        """The period that it is in, which may be the trial; the first one before it has begun; None without one."""
        if not self.running:
            return None
        cycle = self.phase.cycle(self.time_zone)
        if self.status is Status.TRIALING:
            return Period(start=self.begins(self.starts_on), end=cycle.boundary(0))
        return cycle.containing(max(self.as_of, cycle.boundary(0)))

    @property
    def period_ends_on(self) -> date | None:
        """The day with which the next period begins."""
        period = self.current_period
        return day_of(period.end, self.time_zone) if period is not None else None

    def begins(self, day: date) -> datetime:
        """When a day begins."""
        return midnight(day, self.time_zone)

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile

    def require_live(self) -> None:
        """Raise SubscriptionHasEnded."""
        if self.ended_at is not None:
            raise SubscriptionHasEnded

    def having(self, **changed: object) -> "Subscription":
        """The same with other facts, one revision later."""
        return self.model_copy(update={**changed, "revision": self.revision + 1})

    def with_last_phase_ended(self, on: date, at: datetime) -> tuple[Phase, ...]:
        """The phases, the last of which is in force no more; one that has ended stays as it is."""
        if self.phase.until_on is not None:
            return self.phases
        return (*self.phases[:-1], self.phase.ended(on, at))
