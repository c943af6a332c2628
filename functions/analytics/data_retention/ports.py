"""What retention needs of the world around it. Everything raises StoreUnavailable."""

from datetime import date
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


class Expiring(Protocol):
    """Events that end by themselves."""

    async def expire(self, retention: Retention, *, today: date) -> None:
        """Have those that are kept already end as the retention has it. Safe to repeat."""
        ...
