"""What topics need of the world around them. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from llmo_core.fields import Moment
from notification.topics.models import OfferedTopic, Subscriber, Topic


class Topics(Protocol):
    """Where topics are kept, and who is told of them."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Topic]:
        """At most `limit` of an organization's, the newest first, that are older than the one with this id."""
        ...

    async def offered(self, org_id: UUID, user_id: UUID, *, before: UUID | None, limit: int) -> Sequence[OfferedTopic]:
        """The same, as a member sees them."""
        ...

    async def count(self, org_id: UUID) -> int:
        """How many an organization has; nobody else adds one before the transaction under way ends."""
        ...

    async def add(self, topic: Topic) -> None:
        """Keep a new one. Raises TopicExists."""
        ...

    async def remove(self, org_id: UUID, code: str) -> bool:
        """Remove one with its subscribers; whether there was one."""
        ...

    async def exists(self, org_id: UUID, code: str) -> bool:
        """Whether there is one with this code."""
        ...

    async def subscribe(self, org_id: UUID, code: str, user_id: UUID, *, at: Moment) -> None:
        """Have somebody told of it. Safe to repeat. Raises UnknownTopic."""
        ...

    async def unsubscribe(self, org_id: UUID, code: str, user_id: UUID) -> None:
        """Have somebody told no more. Safe to repeat."""
        ...

    async def told(self, org_id: UUID, code: str, *, after: UUID | None, limit: int) -> Sequence[Subscriber]:
        """At most `limit` of those members who are told of it, by their ids, after the one with this id.

        Former members are none.
        """
        ...

    async def subscribers(self, org_id: UUID, code: str, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Their ids; the planner of messages asks this chunk by chunk."""
        ...

    async def is_member(self, org_id: UUID, user_id: UUID) -> bool:
        """Whether somebody is a member of an organization."""
        ...
