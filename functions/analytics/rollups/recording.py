"""Recording calls, so that they are rolled up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from analytics.erasures.models import Kind, Person
from analytics.erasures.ports import Erasures
from analytics.rollups.models import Granularity, Unit
from analytics.rollups.ports import Marks
from analytics.usage.models import UsageRecorded
from analytics.usage.service import UsageStore
from llmo_core.clock import Clock
from llmo_messaging.consumer import Delivery


class Recording:
    """Keeps calls and marks their minutes."""

    def __init__(self, *, store: UsageStore, erasures: Erasures, marks: Marks, clock: Clock) -> None:
        self._store = store
        self._erasures = erasures
        self._marks = marks
        self._clock = clock

    async def record(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        """Keep calls, each once, and not the names of people who were erased.

        Raises StoreUnavailable: then all are to be delivered again.

        Minutes are marked after their calls are there, so that nobody clears a mark whose calls they did not see; when
        this is killed in between, the repeated delivery marks them.
        """
        await self._store.add(deliveries)
        await self._forget_erased(deliveries)
        minutes = {
            Unit(event.org_id, Granularity.MINUTE, Granularity.MINUTE.floor(event.started_at.astimezone(UTC)))
            for event in (delivery.event for delivery in deliveries)
        }
        await self._marks.mark(minutes, now=self._clock.now())

    async def _forget_erased(self, deliveries: Sequence[Delivery[UsageRecorded]]) -> None:
        named: defaultdict[UUID, dict[UUID, Person]] = defaultdict(dict)
        for delivery in deliveries:
            if delivery.event.end_user is not None:
                named[delivery.event.org_id][delivery.envelope.id] = Person(Kind.USER, delivery.event.end_user)
        for org_id, people in named.items():
            erased = await self._erasures.among(org_id, people.values())
            if erased:
                await self._store.forget(org_id, [call for call, person in people.items() if person in erased])
