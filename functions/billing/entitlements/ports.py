"""What the use case of entitlements needs of the world around it."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from billing.periods import Period
from billing.subscriptions.models import Subscription


class CountedUsage(Protocol):
    """What meters have counted."""

    async def quantities(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Decimal]:
        """What each of these meters counted in a period between midnights, by its code: 0 of one that counted nothing.

        Raises UnknownMeter.
        """
        ...


class LiveSubscriptions(Protocol):
    """Which plan an organization has."""

    async def live(self, org_id: UUID) -> Subscription | None:
        """The organization's live subscription, as it is now."""
        ...
