"""For how long events are kept."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from llmo_core.errors import Invalid
from llmo_core.model import Model

FEWEST_DAYS: Final = 31
"""A month can be looked at whole, in whatever plan."""

MOST_DAYS: Final = 3660
GRACE: Final = timedelta(days=30)
"""For which events are kept of an organization that was closed, or whose subscription has ended, as they were: somebody
may have done it by mistake, or not have paid in time."""

FEATURE: Final = "analytics_retention_days"
"""The feature of plans whose limit is for how many days events are kept."""


class LongerThanThePlan(Invalid):
    """The plan keeps events for fewer days."""


class Retention(Model):
    """For how many days an organization's events are kept.

    Attributes:
        default_days: Without a plan that says otherwise.
        plan_days: What the plan has; None where it says nothing.
        chosen_days: What the organization wants; None for as long as the plan has it.
        ends_at: When all of them end, of an organization that was closed.
        grace_days: For how many days they were kept by the plan that has ended.
        grace_until: Until when nothing ends sooner than it would have by that plan.
        revision: Grows with each change.
        applied_to: The last day whose events end as this has it; None before the first one.
        unapplied: Whether there may be events that do not.
    """

    org_id: UUID
    default_days: int
    plan_days: int | None = None
    chosen_days: int | None = None
    ends_at: datetime | None = None
    grace_days: int | None = None
    grace_until: datetime | None = None
    revision: int = 0
    applied_to: datetime | None = None
    unapplied: bool = False

    @property
    def most_days(self) -> int:
        """For how many days they can be kept."""
        return self.default_days if self.plan_days is None else self.plan_days

    @property
    def days(self) -> int:
        """For how many they are."""
        return self.most_days if self.chosen_days is None else min(self.chosen_days, self.most_days)

    @property
    def time(self) -> timedelta:
        """The same, as a duration."""
        return timedelta(days=self.days)

    def expiry(self, timestamp: datetime) -> datetime:
        """When an event ends that happened at this moment."""
        ends = expiry(timestamp, self.time)
        if self.grace_days is not None and self.grace_until is not None:
            days = self.grace_days if self.chosen_days is None else min(self.chosen_days, self.grace_days)
            ends = max(ends, min(expiry(timestamp, timedelta(days=days)), self.grace_until))
        return ends if self.ends_at is None else min(ends, self.ends_at)


def days_of(features: Mapping[str, Decimal | None]) -> int | None:
    """For how many days a plan with these features keeps events; None where it says nothing of that."""
    if FEATURE not in features:
        return None
    limit = features[FEATURE]
    return MOST_DAYS if limit is None else min(max(int(limit), FEWEST_DAYS), MOST_DAYS)


def expiry(timestamp: datetime, kept_for: timedelta) -> datetime:
    """When an event ends: after this time, together with all others of its day (in UTC)."""
    day = timestamp.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1) + kept_for
