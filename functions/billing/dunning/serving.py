"""How well an organization is served follows from what is done about its invoices."""

from uuid import UUID

from billing.dunning.events import of_service
from billing.dunning.models import Service
from billing.dunning.ports import Dunnings, Services
from llmo_core.clock import Clock
from llmo_data.ports import Events


class Serving:
    """Keeps and announces how well organizations are served, in the transaction that changes it."""

    def __init__(self, *, services: Services, dunnings: Dunnings, events: Events, clock: Clock) -> None:
        self._services = services
        self._dunnings = dunnings
        self._events = events
        self._clock = clock

    async def reassess(self, org_id: UUID) -> Service:
        """Look at the organization's dunnings again: how well it is served then. Safe to repeat.

        Whoever does so for another of its invoices waits here, and sees what this transaction has made of them.
        """
        before = await self._services.locked(org_id)
        after = before.given(await self._dunnings.open(org_id), self._clock.now())
        if after == before:
            return before
        await self._services.change(after)
        await self._events.announce(of_service(after), org_id=org_id, aggregate_id=org_id)
        return after
