"""Detecting anomalies: each hour that is over is compared with the same hour of past weeks.

Hours and weeks are those of UTC. Where people change their clocks, their days lie an hour off those of the weeks
before, and for some weeks after it an hour is compared with what was an hour earlier or later by their clocks.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from analytics.anomalies.models import HOUR, MOST_HOURS, Anomaly, Direction
from analytics.anomalies.ports import Announcements, Anomalies, Marks, Organizations
from analytics.anomalies.scoring import LOOKED_AT, scored
from analytics.models import TooSlow
from analytics.querying.metrics import value
from analytics.querying.models import Metric
from analytics.rollups.models import Granularity
from analytics.rollups.reading import Look, Reading, TooManyCalls
from analytics.rollups.tallies import Tally
from analytics.usage.models import Dimension
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger

WEEKS: Final = 6
_WEEK: Final = timedelta(weeks=1)
_TOLD_AT_ONCE: Final = 500


class NotLookedAt(Unavailable):
    """The hours of some organizations were not looked at."""


class Detecting:
    """Looks at the hour that has just ended, and at those before it that could not be looked at in their time."""

    def __init__(
        self,
        *,
        reading: Reading,
        organizations: Organizations,
        anomalies: Anomalies,
        marks: Marks,
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._reading = reading
        self._organizations = organizations
        self._anomalies = anomalies
        self._marks = marks
        self._announcements = announcements
        self._clock = clock

    async def detect(self, *, until: datetime) -> int:
        """Keep what is odd of the hours that are over, and tell of it: how many. Safe to repeat.

        Of an organization the hours are looked at that follow the last one that was, the latest 24 of them at most; of
        one of which none was, the last one. Nothing is begun after `until`. Raises StoreUnavailable, PublishFailed, and
        NotLookedAt when all others were looked at: the next turn looks at what is left, and tells of what nobody was
        told of.
        """
        latest = Granularity.HOUR.floor(self._clock.now().astimezone(UTC)) - HOUR
        marks = await self._marks.all()
        failed = 0
        for org_id in await self._organizations.active_since(latest - WEEKS * _WEEK):
            failed += not await self._look_at(org_id, hours_after(marks.get(org_id), latest), until=until)
        await self._marks.forget(before=latest - WEEKS * _WEEK)
        told = 0
        for anomaly in await self._anomalies.unannounced(limit=_TOLD_AT_ONCE):
            await self._announcements.detected(anomaly)
            await self._anomalies.announced(anomaly)
            told += 1
        if failed:
            raise NotLookedAt(f"The hours of {failed} organizations were not looked at.")
        return told

    async def _look_at(self, org_id: UUID, hours: Sequence[datetime], *, until: datetime) -> bool:
        """Look at an organization's hours, the earliest first; whether all were."""
        for hour in hours:
            if self._clock.now() >= until:
                return False
            try:
                await self._anomalies.add(await self.of_hour(org_id, hour))
            except (TooSlow, TooManyCalls):
                logger().exception("an organization's hour was not looked at", extra={"org_id": str(org_id)})
                return False
            await self._marks.note(org_id, hour)
        return True

    async def of_hour(self, org_id: UUID, hour: datetime) -> Sequence[Anomaly]:
        """What is odd of an organization's hour. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        starts = [hour - _WEEK * weeks for weeks in range(WEEKS, -1, -1)]
        look = Look(
            org_id=org_id,
            steps=[(start, start + HOUR) for start in starts],
            filters={Dimension.BATCH: (None,)},  # those of batches are reported hours later
            sketches=("latency",),
        )
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


def hours_after(last: datetime | None, latest: datetime) -> Sequence[datetime]:
    """The hours that are to be looked at, after the last one that was and up to the latest one that is over."""
    count = 1 if last is None else min((latest - last) // HOUR, MOST_HOURS)
    return [latest - HOUR * back for back in range(count - 1, -1, -1)]


def _number(tally: Tally, metric: Metric) -> float | None:
    """A metric as a number; None where an hour has nothing of it, such as a latency without calls."""
    found = value(tally, metric)
    return None if found is None else float(found)
