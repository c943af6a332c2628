"""What one can do with one's inbox."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.paging import Page
from notification.inbox.models import Counts, Filter, InboxItem, Mark, UnknownItem, Whose
from notification.inbox.ports import Inbox
from notification.kinds.models import Category


class InboxService:
    """Shows a person what they were told, and keeps what they did with it.

    It is what is about the organization that their tokens are for, and what is about themselves. Everything may be
    repeated.
    """

    def __init__(self, *, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock

    async def page(self, person: Person, wanted: Filter, *, before: UUID | None, limit: int) -> Page[InboxItem]:
        """Items, the newest first."""
        found = await self._inbox.page(Whose.of(person), wanted, before=before, limit=limit + 1, now=self._clock.now())
        return Page.of(found, limit)

    async def count(self, person: Person) -> Counts:
        """How many items are unread, and how many of them unseen."""
        return await self._inbox.count(Whose.of(person), now=self._clock.now())

    async def mark(self, person: Person, item_id: UUID, mark: Mark) -> InboxItem:
        """Mark an item; as it is then. Raises UnknownItem."""
        found = await self._inbox.mark(Whose.of(person), item_id, mark, now=self._clock.now())
        if found is None:
            raise UnknownItem
        return found

    async def mark_seen(self, person: Person, item_ids: Collection[UUID]) -> Counts:
        """Mark many items as seen, without those that are gone; what is left then."""
        await self._inbox.mark_seen(Whose.of(person), item_ids, now=self._clock.now())
        return await self.count(person)

    async def read_all(self, person: Person, category: Category | None, *, until: datetime) -> Counts:
        """Mark what came up to a moment as read; what is left then. What came later nobody has seen yet."""
        await self._inbox.read_all(Whose.of(person), category, until=until, now=self._clock.now())
        return await self.count(person)
