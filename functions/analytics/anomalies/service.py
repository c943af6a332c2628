"""Detecting anomalies: each hour that is over is compared with the same hour of past weeks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from analytics.anomalies.models import HOUR, Anomaly, Direction
from analytics.anomalies.ports import Announcements, Anomalies, Organizations
from analytics.anomalies.scoring import LOOKED_AT, scored
from analytics.querying.metrics import value
from analytics.querying.models import Metric
from analytics.rollups.models import Granularity
from analytics.rollups.reading import Look, Reading
from analytics.rollups.tallies import Tally
from llmo_core.clock import Clock

WEEKS: Final = 6
_WEEK: Final = timedelta(weeks=1)
_TOLD_AT_ONCE: Final = 500


class Detecting:
    """Looks at the hour that has just ended."""

    def __init__(
        self,
        *,
        reading: Reading,
        organizations: Organizations,
        anomalies: Anomalies,
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._reading = reading
        self._organizations = organizations
        self._anomalies = anomalies
        self._announcements = announcements
        self._clock = clock

    async def detect(self) -> int:
        """Keep what is odd of the last whole hour, and tell of it: how many. Safe to repeat.

        Raises StoreUnavailable, TooSlow, PublishFailed: the next turn tells of what nobody was told of.
        """
        now = self._clock.now().astimezone(UTC)
        hour = Granularity.HOUR.floor(now) - HOUR
        for org_id in await self._organizations.active_since(hour - WEEKS * _WEEK):
            await self._anomalies.add(await self.of_hour(org_id, hour))
        told = 0
        for anomaly in await self._anomalies.unannounced(limit=_TOLD_AT_ONCE):
            await self._announcements.detected(anomaly)
            await self._anomalies.announced(anomaly)
            told += 1
        return told

    async def of_hour(self, org_id: UUID, hour: datetime) -> Sequence[Anomaly]:
        """What is odd of an organization's hour. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        starts = [hour - _WEEK * weeks for weeks in range(WEEKS, -1, -1)]
        look = Look(org_id=org_id, steps=[(start, start + HOUR) for start in starts], sketches=("latency",))
        tallies = await self._reading.tallies(look)
        hours = [tallies.get((index, ()), Tally()) for index in range(len(starts))]
        first = next((index for index, tally in enumerate(hours) if tally.requests), len(hours))
        past, present = hours[first:-1], hours[-1]
        return [found for metric in LOOKED_AT if (found := self._odd(org_id, hour, metric, past, present)) is not None]

    def _odd(
        self, org_id: UUID, hour: datetime, metric: Metric, past: Sequence[Tally], present: Tally
    ) -> Anomaly | None:
        now = _number(present, metric)
        before = [number for tally in past if (number := _number(tally, metric)) is not None]
        score = scored(now, before, metric) if now is not None else None
        if now is None or score is None or not score.anomalous:
            return None
        return Anomaly(
            org_id=org_id,
            hour=hour,
            metric=metric,
            direction=Direction.ABOVE if score.score > 0 else Direction.BELOW,
            value=now,
            expected=score.expected,
            score=round(score.score, 2),
            weeks=len(before),
            detected_at=self._clock.now(),
        )


def _number(tally: Tally, metric: Metric) -> float | None:
    """A metric as a number; None where an hour has nothing of it, such as a latency without calls."""
    found = value(tally, metric)
    return None if found is None else float(found)
