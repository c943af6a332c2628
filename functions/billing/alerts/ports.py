"""What the use cases of alerts need of the world around them. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.alerts.models import Alert, Crossing, Reading
from llmo_core.currencies import Currency


class Alerts(Protocol):
    """Where alerts are kept."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Alert]:
        """At most `limit` of an organization's, the newest first, that are older than the one with this id."""
        ...

    async def find(self, org_id: UUID, alert_id: UUID) -> Alert | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, alert_id: UUID) -> Alert | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def count(self, org_id: UUID) -> int:
        """How many an organization has; nobody else adds one before the transaction under way ends."""
        ...

    async def add(self, alert: Alert) -> None:
        """Keep a new one."""
        ...

    async def change(self, alert: Alert) -> None:
        """Keep what has changed of it."""
        ...

    async def remove(self, alert: Alert, *, at: datetime) -> None:
        """Look at it no more."""
        ...

    async def crossings(self, org_id: UUID, alert_id: UUID, *, limit: int) -> Sequence[Crossing]:
        """What was crossed of it, the latest first."""
        ...


class Crossings(Protocol):
    """Where it is kept what was crossed."""

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[UUID]:
        """Organizations whose alerts are to be looked at, those first that have waited for the longest time."""
        ...

    def looking(self, org_id: UUID, *, now: datetime) -> AbstractAsyncContextManager[Sequence[Alert] | None]:
        """A transaction in which an organization's alerts are looked at; None when another run is at it."""
        ...

    async def cross(self, alert: Alert, crossing: Crossing) -> bool:
        """Keep that a level was crossed; False, and nothing, where that is kept of the period."""
        ...

    async def recover(self, alert: Alert, reading: Reading, *, at: datetime) -> None:
        """Let levels be crossed again that a balance is above of."""
        ...


class Limits(Protocol):
    """What the gateway goes by."""

    async def refresh(self, org_id: UUID) -> None:
        """Announce what an organization may spend, where that follows from its credit and is another amount by now."""
        ...


class Readings(Protocol):
    """What alerts look at."""

    async def of(self, org_id: UUID, alerts: Sequence[Alert]) -> Sequence[tuple[Alert, Reading]]:
        """What there is of it now; nothing for alerts of a period where none is under way, or in another currency."""
        ...

    async def currency(self, org_id: UUID) -> Currency | None:
        """What the organization's period is billed in; None where none is under way."""
        ...

    async def require_meter(self, org_id: UUID, code: str) -> None:
        """Raise UnknownMeter for a meter that there is not."""
        ...

    async def wallet_currency(self, org_id: UUID, wallet_id: UUID) -> Currency:
        """What is in a wallet. Raises UnknownWallet."""
        ...
