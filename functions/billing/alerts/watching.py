"""Looking at what organizations spend: levels that are crossed are told of, and limits follow the credit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.alerts.events import AlertCrossed
from billing.alerts.models import Alert, AlertKind, Crossing, Level, Reading
from billing.alerts.ports import Crossings, Limits, Readings
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Events

_AT_ONCE: Final = 100


class AlertWatch:
    """Compares what organizations have alerts for with what there is."""

    def __init__(
        self,
        *,
        crossings: Crossings,
        readings: Readings,
        limits: Limits,
        events: Events,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._crossings = crossings
        self._readings = readings
        self._limits = limits
        self._events = events
        self._clock = clock
        self._new_id = new_id

    async def run(self, time_left: Callable[[], timedelta]) -> int:
        """Look at those whose spending has changed since it was looked at, until the time is up; of how many.

        Each organization is looked at once in a run, those first that wait for the longest time, in a transaction of
        its own. Safe to repeat and to run twice at once. Raises DatabaseUnavailable.
        """
        looked: set[UUID] = set()
        while time_left() > timedelta():
            due = await self._crossings.due(now=self._clock.now(), besides=looked, limit=_AT_ONCE)
            if not due:
                break
            for org_id in due:
                if time_left() <= timedelta():
                    break
                looked.add(org_id)
                try:
                    await self.look(org_id)
                except Exception:  # noqa: BLE001 - one organization must not keep the others waiting
                    logger().exception("alerts wait for the next run", extra={"org_id": str(org_id)})
        return len(looked)

    async def look(self, org_id: UUID) -> None:
        """Look at an organization's alerts and at its limit now, unless another run does."""
        now = self._clock.now()
        async with self._crossings.looking(org_id, now=now) as alerts:
            if alerts is not None:
                await self._limits.refresh(org_id)
            for alert, reading in await self._readings.of(org_id, alerts) if alerts else ():
                if alert.kind is AlertKind.CREDIT_BALANCE:
                    await self._crossings.recover(alert, reading, at=now)
                for level in alert.crossed(reading.value):
                    await self._cross(alert, level, reading, now)

    async def _cross(self, alert: Alert, level: Level, reading: Reading, now: datetime) -> None:
        period = reading.period
        crossing = Crossing(
            id=self._new_id(),
            threshold=level.value,
            percent=level.percent,
            value=reading.value,
            period_start=period.start if period is not None else alert.created_at,
            period_end=period.end if period is not None else None,
            crossed_at=now,
        )
        if not await self._crossings.cross(alert, crossing):
            return
        crossed = AlertCrossed(
            **alert.model_dump(include={"name", "kind", "currency", "meter", "wallet_id"}),
            alert_id=alert.id,
            crossing_id=crossing.id,
            limit=alert.levels.limit,
            percent=level.percent,
            threshold=level.value,
            value=reading.value,
            period_start=period.start if period is not None else None,
            period_end=period.end if period is not None else None,
            crossed_at=now,
        )
        await self._events.announce(crossed, org_id=alert.org_id, aggregate_id=alert.id)
