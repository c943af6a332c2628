"""What the use cases of usage need of the world around them. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from billing.periods import Period
from billing.usage.counting import SlotCount
from billing.usage.models import Counted, KeptEvent, ListedEvents, MeterInUse, OpenPeriod
from llmo_messaging.envelope import Envelope


class UsageWriter(Protocol):
    """Writes an organization's usage in one transaction: it is all committed or nothing is."""

    async def new(self, events: Sequence[Envelope], *, now: datetime) -> Collection[UUID]:
        """The ids of those of the gateway's events that never arrived before; they are noted as dealt with."""
        ...

    async def unreported(self, ids: Collection[str], *, expires_at: datetime) -> Collection[str]:
        """Those ids under which the organization has reported nothing; they are remembered until a moment."""
        ...

    async def meters(self, names: Collection[str]) -> Sequence[MeterInUse]:
        """The meters there are that count events of these names."""
        ...

    async def add(self, events: Sequence[KeptEvent], counts: Sequence[SlotCount]) -> None:
        """Keep new events, one at least, and add what was counted of them to what is counted already."""
        ...


class Usage(Protocol):
    """Where events are kept, and what meters counted of them."""

    def writing(self, org_id: UUID) -> AbstractAsyncContextManager[UsageWriter]:
        """A transaction of an organization's, or a part of the one under way."""
        ...


class KeptEvents(Protocol):
    """The events that are kept."""

    async def listed(self, wanted: ListedEvents) -> Sequence[KeptEvent]:
        """At most `limit` of an organization's events, the latest first."""
        ...


class CountedUsage(Protocol):
    """What meters have counted."""

    async def counted(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Counted]:
        """What each of these meters counted in a period, by its code, with how it counts.

        The period is of whole slots, as all periods between midnights are. Raises UnknownMeter, BetweenSlots.
        """
        ...

    async def quantities(self, org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Decimal]:
        """The quantities alone: 0 of a meter that counted nothing."""
        ...

    async def quantity(self, org_id: UUID, code: str, period: Period) -> Decimal:
        """The same of one meter."""
        ...


class OpenPeriods(Protocol):
    """The periods of subscriptions that are under way."""

    async def open(self, org_id: UUID, at: datetime) -> OpenPeriod | None:
        """The organization's at a moment; None where nothing is charged for."""
        ...


class Months(Protocol):
    """The months that events are kept by."""

    async def arrange(self) -> tuple[int, int]:
        """Make those ahead, and drop those that are over long enough; how many were made and dropped."""
        ...
