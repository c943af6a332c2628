"""What the use case of current usage needs of the world around it. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.accounts.models import Account
from billing.current_usage.models import OpenPeriod
from billing.periods import Period
from billing.subscriptions.models import Subscription
from billing.usage.models import Counted


class OpenPeriods(Protocol):
    """The periods of subscriptions that are under way."""

    async def open(self, org_id: UUID, at: datetime) -> OpenPeriod:
        """The organization's at a moment. Raises NothingOpen where nothing is charged for."""
        ...


class CountedUsage(Protocol):
    """What meters have counted."""

    async def counted(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Counted]:
        """What each of these meters counted in a period between midnights, by its code, with how it counts.

        Raises UnknownMeter.
        """
        ...


class NewestSubscriptions(Protocol):
    """Which subscription an organization has, or had the last."""

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last, as it was when something of it changed the last time."""
        ...


class Accounts(Protocol):
    """How organizations are taxed."""

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's account; None as long as nobody needed one."""
        ...
