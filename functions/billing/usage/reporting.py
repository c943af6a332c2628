"""Organizations report what was used themselves, beside LLM calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.metering.folding import NotMeasurable, UsageEvent, fold
from billing.metering.meters import LLM_CALL
from billing.usage.counting import counted
from billing.usage.models import (
    KeptEvent,
    MeterInUse,
    NothingCountsIt,
    NotYetOccurred,
    OccurredTooEarly,
    Reported,
    ReportedEvent,
    ReportStatus,
)
from billing.usage.ports import Usage
from llmo_core.clock import Clock
from llmo_core.errors import Invalid
from llmo_core.ids import NewId

REPORTED_WITHIN: Final = timedelta(days=35)
"""So that what a month used is known a few days after it."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
REMEMBERED: Final = timedelta(days=90)
"""Longer than the same event can be reported: after that it is refused for its time."""


class UsageReporting:
    """Keeps and counts what organizations report."""

    def __init__(self, *, usage: Usage, clock: Clock, new_id: NewId) -> None:
        self._usage = usage
        self._clock = clock
        self._new_id = new_id

    async def report(self, org_id: UUID, events: Sequence[ReportedEvent]) -> Sequence[Reported]:
        """Keep and count events; what became of each, in their order.

        An event whose id was reported before, whatever it said, is a duplicate, and has no effect. What no meter
        counts, what a meter could not measure, and what lies too far back or in the future, is refused. Safe to repeat
        where events have ids. Raises DatabaseUnavailable.
        """
        now = self._clock.now()
        async with self._usage.writing(org_id) as writer:
            meters = await writer.meters({event.name for event in events if event.name != LLM_CALL})
            refusals = [_refusal(event, meters, now) for event in events]
            named = {
                event.id: None
                for event, refusal in zip(events, refusals, strict=True)
                if refusal is None and event.id is not None
            }
            unused = set(await writer.unreported([*named], expires_at=now + REMEMBERED))
            kept: list[KeptEvent] = []
            outcomes: list[Reported] = []
            for event, refusal in zip(events, refusals, strict=True):
                event_id = self._new_id()
                shown = event.id if event.id is not None else str(event_id)
                if refusal is not None:
                    outcomes.append(Reported(id=shown, status=ReportStatus.REFUSED, refusal=refusal))
                elif event.id is not None and event.id not in unused:
                    outcomes.append(Reported(id=shown, status=ReportStatus.DUPLICATE))
                else:
                    unused.discard(shown)
                    kept.append(_kept(event, org_id, event_id, now))
                    outcomes.append(Reported(id=shown, status=ReportStatus.ACCEPTED))
            if kept:
                await writer.add(kept, counted(meters, kept))
        return outcomes


def _kept(event: ReportedEvent, org_id: UUID, event_id: UUID, now: datetime) -> KeptEvent:
    return KeptEvent(
        org_id=org_id,
        event_id=event_id,
        name=event.name,
        reported_id=event.id,
        occurred_at=event.occurred_at if event.occurred_at is not None else now,
        received_at=now,
        fields=event.fields,
    )


def _refusal(event: ReportedEvent, meters: Sequence[MeterInUse], now: datetime) -> Invalid | None:
    counting = [meter.definition for meter in meters if meter.definition.event == event.name]
    if not counting:
        return NothingCountsIt(f"No meter counts events named `{event.name}`.")
    if event.occurred_at is not None and event.occurred_at < now - REPORTED_WITHIN:
        return OccurredTooEarly()
    if event.occurred_at is not None and event.occurred_at > now + CLOCKS_DIFFER:
        return NotYetOccurred()
    try:
        for meter in counting:
            fold(meter, [UsageEvent(event.name, event.fields)])
    except NotMeasurable as error:
        return error
    return None
