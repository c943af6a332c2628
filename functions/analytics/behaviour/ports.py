"""What the answers are made from."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol
from uuid import UUID

from analytics.behaviour.models import EventQuery, ListedEvent, Range, Seen
from analytics.deadlines import Deadline


class TrackedEvents(Protocol):
    """An organization's tracked events. Everything raises StoreUnavailable, TooSlow."""

    def seen(
        self, org_id: UUID, names: Collection[str], within: Range, *, pairs: bool, deadline: Deadline
    ) -> AsyncGenerator[Seen]:
        """Those of these names (of all, when there are none), each once, in any order.

        `pairs` says whether their properties are wanted. Raises TooManyEvents when there are more than may be read.
        """
        ...

    async def page(self, query: EventQuery) -> Sequence[ListedEvent]:
        """At most `limit`, the newest first."""
        ...
