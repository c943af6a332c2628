"""Applying a retention to events that are kept already: for as long as there is time; then the next turn goes on."""

from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

from analytics.data_retention.models import Retention
from analytics.data_retention.ports import Expiring, Retentions
from llmo_core.clock import Clock

AT_ONCE: Final = timedelta(seconds=10)
"""For how long whoever changes a retention applies it, within the 29 seconds of the API and the consumer's 30."""

_ORGANIZATIONS: Final = 100


class Applying:
    """Has events end as retentions have it. Safe to repeat, and to run any number at once."""

    def __init__(self, *, retentions: Retentions, events: Expiring, clock: Clock) -> None:
        self._retentions = retentions
        self._events = events
        self._clock = clock

    async def begin(self, retention: Retention) -> None:
        """Apply one that may have changed, as far as ten seconds go. Raises StoreUnavailable."""
        if retention.unapplied:
            await self._apply(retention, self._clock.now() + AT_ONCE)

    async def go_on(self, *, until: datetime) -> bool:
        """Apply what others began, until then; whether nothing is left. Raises StoreUnavailable."""
        while left := await self._retentions.unapplied(limit=_ORGANIZATIONS):
            for retention in left:
                if not await self._apply(retention, until):
                    return False
        return True

    async def _apply(self, retention: Retention, until: datetime) -> bool:
        async with aclosing(self._events.expire(retention, today=self._clock.now().date())) as days:
            async for day in days:
                if self._clock.now() >= until:
                    await self._retentions.applied(retention, to=day)
                    return False
        await self._retentions.applied(retention, to=None)
        return True
