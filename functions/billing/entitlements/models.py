"""What an organization may use at a moment."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from billing.exact import difference
from billing.fields import Amount
from billing.pricing.components import NOTHING
from billing.pricing.plans import Feature
from llmo_core.model import Model


class Reason(StrEnum):
    """Why something may not be used."""

    NOT_SUBSCRIBED = "not_subscribed"
    PAUSED = "paused"
    NOT_IN_PLAN = "not_in_plan"
    LIMIT_REACHED = "limit_reached"


class Entitlement(Model):
    """Whether an organization may use a feature, and how much of it.

    Attributes:
        name: What the plan calls it; None of what the plan does not have.
        reason: Why it may not; None where it may.
        limit: None: without one.
        used: In the current period; None where nothing is counted.
        remaining: Until the limit, never less than nothing; None without a limit or where nothing is counted.
        resets_at: When counting begins anew; None where nothing is counted.
    """

    feature: str
    name: str | None = None
    allowed: bool
    reason: Reason | None = None
    limit: Amount | None = None
    used: Amount | None = None
    remaining: Amount | None = None
    resets_at: datetime | None = None

    @classmethod
    def refused(cls, feature: str, reason: Reason) -> Self:
        """One that there is none of."""
        return cls(feature=feature, allowed=False, reason=reason)

    @classmethod
    def to(cls, feature: Feature, used: Decimal | None, resets_at: datetime | None) -> Self:
        """One to a feature of the plan of which so much was used; None where nothing is counted."""
        remaining = None
        if feature.limit is not None and used is not None:
            remaining = max(difference(feature.limit, used), NOTHING)
        left = feature.limit if remaining is None else remaining
        allowed = left is None or left > NOTHING
        return cls(
            feature=feature.code,
            name=feature.name,
            allowed=allowed,
            reason=None if allowed else Reason.LIMIT_REACHED,
            limit=feature.limit,
            used=used,
            remaining=remaining,
            resets_at=resets_at if used is not None else None,
        )
