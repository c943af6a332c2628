"""What the use cases of every area need of the world around them."""

from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from llmo_messaging.envelope import Event


class Events(Protocol):
    """Where it is announced what happened."""

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Have an event published once the transaction under way is committed, after the aggregate's earlier ones.

        One about a person, not about an organization, has no `org_id`.
        """
        ...


class OpenOrganizations(Protocol):
    """Organizations that are not closed."""

    async def lock(self, org_id: UUID) -> str:
        """Keep one from being closed until the transaction ends; gives its name. Raises UnknownOrganization."""
        ...


type AfterCommit = Callable[[Hashable, Callable[[], Awaitable[None]]], None]
"""Has something done once the transaction under way is committed; it must not raise. See Database.after_commit."""

type Transaction = Callable[[UUID | None], AbstractAsyncContextManager[object]]
"""Makes what is kept and announced in it, for one organization or for none, one commit."""
