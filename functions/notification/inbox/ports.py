"""What the inbox needs of the world around it. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.inbox.models import Counts, Filter, InboxItem, Mark, Whose
from notification.kinds.models import Category


class Inbox(Protocol):
    """Where items are kept."""

    async def page(
        self, whose: Whose, wanted: Filter, *, before: UUID | None, limit: int, now: datetime
    ) -> Sequence[InboxItem]:
        """At most `limit`, the newest first, that are older than the one with this id and not expired."""
        ...

    async def count(self, whose: Whose, *, now: datetime) -> Counts:
        """How many there are."""
        ...

    async def mark(self, whose: Whose, item_id: UUID, mark: Mark, *, now: datetime) -> InboxItem | None:
        """Mark one; None where there is none. Safe to repeat: the first moment stays."""
        ...

    async def mark_seen(self, whose: Whose, item_ids: Collection[UUID], *, now: datetime) -> None:
        """Mark those that there are of these as seen."""
        ...

    async def read_all(self, whose: Whose, category: Category | None, *, until: datetime, now: datetime) -> None:
        """Mark what came up to a moment as read, unless it is archived."""
        ...


class Filling(Protocol):
    """What the planner of messages does with inboxes, and the sender asks of them."""

    async def add(self, org_id: UUID | None, items: Sequence[InboxItem]) -> None:
        """Put items of one organization, or of none, into inboxes; nothing where a notification lies already."""
        ...

    async def read_among(self, whose: Whose, notification_ids: Collection[UUID]) -> Collection[UUID]:
        """Which of these notifications somebody has read, or put away."""
        ...
