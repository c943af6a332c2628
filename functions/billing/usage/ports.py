"""What the use cases of usage need of the world around them. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.usage.counting import SlotCount
from billing.usage.models import KeptEvent, ListedEvents, MeterInUse
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


class Months(Protocol):
    """The months that events are kept by."""

    async def arrange(self) -> tuple[int, int]:
        """Make those ahead, and drop those that are over long enough; how many were made and dropped."""
        ...
