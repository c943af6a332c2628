"""What goes wrong with one organization, or in one turn, holds up nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo.asynchronous.database import AsyncDatabase

from analytics.deadlines import Deadline
from analytics.models import TooSlow
from analytics.querying.models import Interval, Metric, Question
from analytics.rollups.calls_repository import MongoCalls
from analytics.rollups.marks_repository import MongoMarks
from analytics.rollups.planning import Range
from analytics.rollups.reading import Look
from analytics.rollups.repository import MINUTES_KEPT, MongoRollups
from analytics.rollups.service import Rolling
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

MORNING = datetime(2026, 8, 17, 10, 15, tzinfo=UTC)
DAYS = (MORNING - timedelta(days=40), MORNING + timedelta(days=1))


class SlowFor(MongoCalls):
    """Calls that take too long to read, of one organization."""

    def __init__(self, database: AsyncDatabase[Document], org_id: UUID) -> None:
        super().__init__(database)
        self._slow = org_id

    async def read(
        self, org_id: UUID, ranges: Sequence[Range], *, deadline: Deadline | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        if org_id == self._slow:
            raise TooSlow
        async for each in super().read(org_id, ranges, deadline=deadline):
            yield each


async def left(platform: Platform, org_id: UUID) -> int:
    return len(await platform.marks.stale(org_id, *DAYS))


async def test_an_organization_that_fails_stops_no_other(platform: Platform, mongodb: AsyncDatabase[Document]) -> None:
    failing, others = new_id(), [new_id() for _ in range(3)]
    await platform.record([call(failing, started_at=(MORNING - timedelta(days=2)).isoformat())])
    await platform.record([call(org_id) for org_id in others])
    calls = SlowFor(mongodb, failing)
    rolling = Rolling(calls=calls, marks=platform.marks, rollups=platform.rollups, clock=platform.clock)

    rolled = await rolling.roll(until=platform.clock.now() + timedelta(hours=1))

    assert rolled.failed >= 1
    assert await left(platform, failing) > 0
    assert [await left(platform, org_id) for org_id in others] == [0, 0, 0]
    await platform.roll()
    assert await left(platform, failing) == 0


class Ticking(MongoRollups):
    """Rollups that take a second each to write."""

    def __init__(self, database: AsyncDatabase[Document], platform: Platform) -> None:
        super().__init__(database, clock=platform.clock, minutes_kept=timedelta(days=3650))
        self._ticking = platform.clock

    async def fence(self) -> int:
        self._ticking.advance(seconds=1)
        return await super().fence()


async def test_a_turn_that_ends_early_has_done_what_it_did(
    platform: Platform, mongodb: AsyncDatabase[Document]
) -> None:
    org_id = new_id()
    moments = [MORNING - timedelta(hours=hours) for hours in range(900)]
    await platform.record([call(org_id, started_at=moment.isoformat()) for moment in moments])
    await platform.roll()  # what other tests have left
    await platform.rolling().rebuild(start=DAYS[0], end=DAYS[1], org_id=org_id)
    rolling = Rolling(
        calls=platform.calls, marks=platform.marks, rollups=Ticking(mongodb, platform), clock=platform.clock
    )
    before = await left(platform, org_id)

    await rolling.roll(until=platform.clock.now() + timedelta(seconds=2))

    minutes = [each for each in await platform.marks.stale(org_id, *DAYS) if each[0] == "minute"]
    assert before == 900
    assert 0 < len(minutes) < before


async def test_a_call_in_the_first_millisecond_of_a_range_is_in_its_first_step(platform: Platform) -> None:
    org_id = new_id()
    await platform.record([call(org_id, started_at=MORNING.isoformat())])
    question = Question(
        org_id=org_id,
        start=MORNING + timedelta(microseconds=400),
        end=MORNING + timedelta(hours=2),
        metrics=(Metric.REQUESTS,),
        interval=Interval.HOUR,
    )

    answer = await platform.answers.ask(question)

    assert [(row.time, row.values) for row in answer.rows] == [(MORNING.replace(minute=0), (1,))]


async def test_days_of_half_hour_zones_are_whole_as_long_as_minutes_are_kept(platform: Platform) -> None:
    org_id = new_id()
    start = MORNING.replace(hour=0, minute=0)
    await platform.record(
        [call(org_id, started_at=(start + timedelta(minutes=15 * n)).isoformat()) for n in range(192)]
    )
    await platform.roll()
    question = Question(
        org_id=org_id,
        start=start,
        end=start + timedelta(days=2),
        metrics=(Metric.REQUESTS,),
        interval=Interval.DAY,
        time_zone="Asia/Kolkata",
    )

    answer = await platform.answers.ask(question)

    assert [row.values for row in answer.rows] == [(74,), (96,), (22,)]
    assert timedelta(days=366) < MINUTES_KEPT


async def test_a_unit_that_was_marked_late_has_not_waited_since_it_was_over(platform: Platform) -> None:
    await platform.roll()
    await platform.record([call(new_id(), started_at=(platform.clock.moment - timedelta(days=20)).isoformat())])

    assert await platform.rolling().waiting() == timedelta()


async def test_a_lease_that_is_over_is_not_ended_for_whoever_has_it_now(mongodb: AsyncDatabase[Document]) -> None:
    org_id, now = new_id(), MORNING
    mine, theirs = now + timedelta(minutes=1), now + timedelta(minutes=5)
    marks = MongoMarks(mongodb)
    assert await marks.take(org_id, now=now, until=mine)
    assert await marks.take(org_id, now=mine, until=theirs)

    await marks.release(org_id, until=mine)

    assert not await marks.take(org_id, now=mine, until=theirs)


async def test_latencies_beyond_all_reason_are_counted_as_the_largest(platform: Platform) -> None:
    org_id = new_id()
    await platform.record([call(org_id, latency_ms=1e300)])
    await platform.roll()

    tallies = await platform.reading.tallies(Look(org_id=org_id, steps=[DAYS]))

    assert [tally.requests for tally in tallies.values()] == [1]
