"""What requests need of the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.inbox.models import Whose
from notification.kinds.models import Audience
from notification.models import Status
from notification.planning.models import Notification
from notification.planning.ports import Members as Found
from notification.requests.models import Attempt, Listed, Message, Receipt, Search


class Requested(Protocol):
    """Notifications, as their organization sees them."""

    async def add(self, notification: Notification) -> bool:
        """Keep one; False, and nothing, where there is one with its dedupe key."""
        ...

    async def by_key(self, org_id: UUID, dedupe_key: str) -> Notification | None:
        """The one with this dedupe key."""
        ...

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Listed]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        ...

    async def find(self, org_id: UUID, notification_id: UUID) -> Notification | None:
        """The one with this id."""
        ...

    async def counts(self, org_id: UUID, notification_id: UUID) -> Mapping[Status, int]:
        """How many of its messages are how far."""
        ...

    async def cancel(self, org_id: UUID, notification_id: UUID, *, now: datetime) -> bool:
        """Plan no more of it, and send nothing of it that waits; False when nothing was left of it."""
        ...


class Members(Protocol):
    """Who is in which organization."""

    async def members(self, org_id: UUID, audience: Audience, *, after: UUID | None, limit: int) -> Found:
        """Members that an audience names by role."""
        ...


class Inboxes(Protocol):
    """What people see in the application."""

    async def forget(self, whose: Whose) -> None:
        """Delete somebody's items of one organization."""
        ...


class SentMessages(Protocol):
    """Messages, as their organization sees them."""

    async def page(self, org_id: UUID, search: Search, *, before: UUID | None, limit: int) -> Sequence[Message]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        ...

    async def find(self, org_id: UUID, message_id: UUID) -> Message | None:
        """The one with this id."""
        ...

    async def history(self, org_id: UUID, message_id: UUID) -> tuple[Sequence[Attempt], Sequence[Receipt]]:
        """How it was tried to send it, and what providers told of it, in order."""
        ...

    async def resend(self, org_id: UUID, message_id: UUID, *, now: datetime, until: datetime) -> bool:
        """Let it be sent again; False when it waits or is on its way, or nothing is kept of what it said."""
        ...

    async def erase(self, org_id: UUID, *, user_id: UUID | None, address: str | None) -> int:
        """Forget who messages went to and what they said; how many those were."""
        ...
