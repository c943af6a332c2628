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
"""For which events of an organization are kept that was closed: somebody may have closed it by mistake."""

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
    """

    org_id: UUID
    default_days: int
    plan_days: int | None = None
    chosen_days: int | None = None
    ends_at: datetime | None = None

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
        by_day = expiry(timestamp, self.time)
        return by_day if self.ends_at is None else min(by_day, self.ends_at)


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
