"""What retention needs of the world around it. Everything raises StoreUnavailable."""

from datetime import date, datetime
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

    async def follow_plan(self, org_id: UUID, days: int | None, *, at: datetime) -> Retention:
        """Keep what the plan has since this moment, unless a later one is known; what there is now."""
        ...

    async def close(self, org_id: UUID, *, ends_at: datetime) -> Retention:
        """Keep when all events end of an organization that was closed; what there is now."""
        ...


class Expiring(Protocol):
    """Events that end by themselves."""

    async def expire(self, retention: Retention, *, today: date) -> None:
        """Have those that are kept already end as the retention has it. Safe to repeat."""
        ...
