"""Recording calls, so that they are rolled up."""

from collections.abc import Sequence
from datetime import UTC

from analytics.rollups.models import Granularity, Unit
from analytics.rollups.ports import Marks
from analytics.usage.models import UsageRecorded
from analytics.usage.service import UsageStore
from llmo_core.clock import Clock
from llmo_messaging.consumer import Delivery


class Recording:
    """Keeps calls and marks their minutes."""

    def __init__(self, *, store: UsageStore, marks: Marks, clock: Clock) -> None:
        self._store = store
        self._marks = marks
        self._clock = clock

    async def record(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        """Keep calls, each once. Raises StoreUnavailable: then all are to be delivered again.

        Minutes are marked after their calls are there, so that nobody clears a mark whose calls they did not see; when
        this is killed in between, the repeated delivery marks them.
        """
        await self._store.add(deliveries)
        minutes = {
            Unit(event.org_id, Granularity.MINUTE, Granularity.MINUTE.floor(event.started_at.astimezone(UTC)))
            for event in (delivery.event for delivery in deliveries)
        }
        await self._marks.mark(minutes, now=self._clock.now())
