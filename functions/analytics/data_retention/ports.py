"""What retention needs of the world around it. Everything raises StoreUnavailable."""

from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from analytics.data_retention.models import Retention


class Retentions(Protocol):
    """Where it is kept for how long events are."""

    async def of(self, org_id: UUID) -> Retention:
        """An organization's."""
        ...

    async def choose(self, org_id: UUID, days: int | None) -> Retention:
        """Keep what an organization wants; what it has now."""
        ...

    async def follow_plan(self, org_id: UUID, days: int | None, *, at: datetime, grace: timedelta) -> Retention:
        """Keep what the plan has since this moment, unless a later one is known; what there is now.

        Where that is less than before, events that are kept end no sooner than after `grace`.
        """
        ...

    async def close(self, org_id: UUID, *, ends_at: datetime) -> Retention:
        """Keep when all events end of an organization that was closed; what there is now."""
        ...

    async def applied(self, retention: Retention, *, to: datetime | None) -> None:
        """Note that events end as it has it: up to this day, or, with None, all. Nothing where it has changed since."""
        ...

    async def unapplied(self, *, limit: int) -> Sequence[Retention]:
        """Some that do not hold for all events yet."""
        ...


class Expiring(Protocol):
    """Events that end by themselves."""

    def expire(self, retention: Retention, *, today: date) -> AsyncGenerator[datetime]:
        """Have those that are kept already end as the retention has it, day by day; each day that is done.

        Safe to repeat. It begins after the retention's `applied_to`.
        """
        ...
