"""What reminding needs of the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from notification.planning.models import Notification


class ExpiringKey(NamedTuple):
    """An API key that will expire."""

    org_id: UUID
    key_id: UUID
    name: str
    hint: str
    expires_at: datetime


class ExpiringKeys(Protocol):
    """API keys that will expire."""

    async def within(
        self, notice: timedelta, *, now: datetime, after: UUID | None, limit: int
    ) -> Sequence[ExpiringKey]:
        """Those that expire within a time, and were made to live more than twice as long; in the order of their ids.

        What has a successor, or is revoked, is not among them.
        """
        ...


class Reminders(Protocol):
    """What is to be told."""

    async def add(self, notification: Notification) -> bool:
        """Keep one; False, and nothing, where there is one with its dedupe key."""
        ...
