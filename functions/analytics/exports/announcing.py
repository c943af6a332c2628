"""What others are told of exports, on the bus. Event ids are derived: a repetition is the same event."""

from datetime import datetime
from uuid import UUID, uuid5

from analytics.exports.models import Export, ExportCompleted, ExportRequested
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.trace import current_traceparent
from llmo_messaging.bus import EventBus
from llmo_messaging.envelope import Envelope, Event


class BusAnnouncements:
    """Both raise PublishFailed."""

    def __init__(self, bus: EventBus, *, clock: Clock, new_id: NewId) -> None:
        self._bus = bus
        self._clock = clock
        self._new_id = new_id

    async def requested(self, export: Export) -> None:
        """A worker may begin; each is a wake-up of its own."""
        event = ExportRequested(org_id=export.org_id, export_id=export.id)
        await self._publish(event, self._new_id(), export, self._clock.now())

    async def completed(self, export: Export) -> None:
        """It is done; every repetition is the same event."""
        event = ExportCompleted(
            org_id=export.org_id,
            export_id=export.id,
            actor_type=export.actor_type,
            actor_id=export.actor_id,
            what=export.order.what,
            format=export.order.format,
            start=export.order.start,
            end=export.order.end,
            rows=export.progress.rows,
            size=export.progress.size,
        )
        await self._publish(event, uuid5(export.id, "completed"), export, export.finished_at or self._clock.now())

    async def _publish(self, event: Event, event_id: UUID, export: Export, time: datetime) -> None:
        traceparent = current_traceparent()
        envelope = Envelope.of(event, event_id=event_id, org_id=export.org_id, time=time, traceparent=traceparent)
        await self._bus.publish([envelope])
