"""What others are told of reports, on the bus. Event ids are derived: a repetition is the same event."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from analytics.reports.events import ReportFailed, ReportReady, RunRequested
from analytics.reports.models import Run
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.trace import current_traceparent
from llmo_messaging.bus import EventBus
from llmo_messaging.envelope import Envelope, Event


class BusAnnouncements:
    """All raise PublishFailed."""

    def __init__(self, bus: EventBus, *, clock: Clock, new_id: NewId) -> None:
        self._bus = bus
        self._clock = clock
        self._new_id = new_id

    async def requested(self, run: Run) -> None:
        """A worker may begin; each is a wake-up of its own."""
        await self._publish(RunRequested(org_id=run.org_id, run_id=run.id), self._new_id(), run)

    async def ready(self, run: Run, url: str, expires_at: datetime) -> None:
        """The recipients may fetch it; every repetition is the same event."""
        event = ReportReady(**_about(run), url=url, expires_at=expires_at)
        await self._publish(event, run.id, run)

    async def failed(self, run: Run) -> None:
        """The recipients wait in vain; every repetition is the same event."""
        event = ReportFailed(**_about(run), failure=run.failure or "")
        await self._publish(event, uuid5(run.id, "failed"), run)

    async def _publish(self, event: Event, event_id: UUID, run: Run) -> None:
        now, traceparent = self._clock.now(), current_traceparent()
        envelope = Envelope.of(event, event_id=event_id, org_id=run.org_id, time=now, traceparent=traceparent)
        await self._bus.publish([envelope])


def _about(run: Run) -> dict[str, Any]:
    """What every event of a run says of it, and whom it is for."""
    recipients = run.definition.recipients
    return {
        "org_id": run.org_id,
        "report_id": run.report_id,
        "run_id": run.id,
        "name": run.definition.name,
        "user_ids": recipients.user_ids,
        "addresses": recipients.addresses,
    }
