"""Purging the gateway's cache."""

from uuid import UUID

from integration.management.cache.models import CachePurged, Purge
from integration.management.cache.ports import Purges
from integration.management.ports import Change
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events


class CacheService:
    """Purges the cache, and shows when that was done."""

    def __init__(self, *, purges: Purges, events: Events, change: Change, clock: Clock, new_id: NewId) -> None:
        self._purges = purges
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Purge]:
        """Purges of the caller's organization, the newest first."""
        return Page.of(await self._purges.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def purge(self, principal: Principal, project_id: UUID | None) -> Purge:
        """Let the gateway find nothing any more that is stored by now; None: of no project. Safe to repeat.

        What is stored stays in Redis, where nobody finds it, until its time to live ends.
        """
        async with self._change(principal.org_id):
            purge = Purge(
                id=self._new_id(),
                org_id=principal.org_id,
                project_id=project_id,
                purged_by=principal.actor_id,
                purged_at=self._clock.now(),
            )
            await self._purges.add(purge)
            await self._events.announce(CachePurged.of(purge), org_id=purge.org_id, aggregate_id=purge.id)
        return purge
