"""An answer has one deadline, whatever it reads and counts."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Never
from uuid import UUID

import pytest

from analytics.behaviour.models import EventQuery, FunnelQuery, Matching, Period, RetentionQuery, Returning, Seen
from analytics.behaviour.models import Range as Within
from analytics.behaviour.service import BehaviourService
from analytics.deadlines import ANSWER_SECONDS, Deadline
from analytics.models import TooSlow
from analytics.querying.models import Metric, Question
from analytics.querying.service import Answers
from analytics.rollups.models import Granularity, GroupingSet
from analytics.rollups.planning import Range
from analytics.rollups.ports import Part
from analytics.rollups.reading import Reading
from analytics.usage.models import Dimension
from tests.clocks import MovableClock

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
WITHIN = Within(start=NOW - timedelta(days=1), end=NOW)
STEPS = (Matching(name="a"), Matching(name="b"))
FUNNEL = FunnelQuery(org_id=UUID(int=1), range=WITHIN, steps=STEPS, window=timedelta(hours=1))
RETENTION = RetentionQuery(
    org_id=UUID(int=1),
    range=WITHIN,
    first=STEPS[0],
    returning=STEPS[1],
    period=Period.DAY,
    zone="UTC",
    periods=3,
    mode=Returning.ON,
)


class Timer:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def deadline(self) -> Deadline:
        return Deadline(timer=self)


@pytest.mark.parametrize("passed", [0, 7.25, ANSWER_SECONDS - 0.0001])
def test_what_is_left_is_what_has_not_passed(passed: float) -> None:
    timer = Timer()
    deadline = timer.deadline()
    timer.now += passed

    assert deadline.left_ms() == max(1, int((ANSWER_SECONDS - passed) * 1000))


def test_whoever_is_refused_an_answer_learns_what_is_faster() -> None:
    timer = Timer()
    deadline = Deadline(22, narrower="Ask for less.", timer=timer)
    timer.now += 22

    with pytest.raises(TooSlow, match=r"more than 22 seconds\. Ask for less\."):
        deadline.left_ms()


class Events:
    """Events of which reading a thousand takes some seconds."""

    def __init__(self, timer: Timer, *, number: int, seconds: float) -> None:
        self.read = 0
        self._timer = timer
        self._number = number
        self._seconds = seconds

    async def seen(
        self, _org_id: UUID, _names: Collection[str], _within: Within, *, pairs: bool, deadline: Deadline
    ) -> AsyncGenerator[Seen]:
        assert not pairs
        assert deadline.left_ms() == ANSWER_SECONDS * 1000
        for number in range(self._number):
            self.read += 1
            self._timer.now += self._seconds / 1000
            yield Seen("ab"[number % 2], f"u:{number // 2}", 1_000 * number, ())

    async def page(self, _query: EventQuery) -> Never:
        raise NotImplementedError


@pytest.mark.parametrize("asked", ["funnel", "retention"])
async def test_reading_events_ends_when_the_time_is_over(asked: str) -> None:
    timer = Timer()
    events = Events(timer, number=50_000, seconds=2.001)
    service = BehaviourService(events=events, deadlines=timer.deadline)

    with pytest.raises(TooSlow, match="22 seconds"):
        await (service.funnel(FUNNEL) if asked == "funnel" else service.retention(RETENTION))

    assert events.read == 11_000


@pytest.mark.parametrize("asked", ["funnel", "retention"])
async def test_counting_what_was_read_ends_too(asked: str) -> None:
    timer = Timer()
    # All is read between two looks at the clock: only what counts can notice.
    service = BehaviourService(events=Events(timer, number=999, seconds=30), deadlines=timer.deadline)

    with pytest.raises(TooSlow):
        await (service.funnel(FUNNEL) if asked == "funnel" else service.retention(RETENTION))


class Slow:
    """A store of nothing, each read of which takes some seconds; remembers how long each might have taken."""

    def __init__(self, timer: Timer, seconds: float) -> None:
        self.allowed: list[int] = []
        self._timer = timer
        self._seconds = seconds

    def _took(self, deadline: Deadline | None) -> None:
        assert deadline is not None
        self.allowed.append(deadline.left_ms())
        self._timer.now += self._seconds

    async def stale(
        self, _org_id: UUID, _start: datetime, _end: datetime, *, deadline: Deadline | None = None
    ) -> Sequence[tuple[Granularity, datetime]]:
        self._took(deadline)
        return ()

    async def parts(
        self,
        _org_id: UUID,
        _granularity: Granularity,
        _grouping: GroupingSet,
        _starts: Sequence[datetime],
        *,
        sketches: Collection[str] = (),
        deadline: Deadline | None = None,
    ) -> AsyncIterator[Part]:
        assert not sketches
        self._took(deadline)
        nothing: Sequence[Part] = ()
        for part in nothing:
            yield part

    async def read(
        self, _org_id: UUID, _ranges: Sequence[Range], *, deadline: Deadline | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        self._took(deadline)
        nothing: Sequence[Mapping[str, Any]] = ()
        for call in nothing:
            yield call


def answers(slow: Any, timer: Timer) -> Answers:
    reading = Reading(calls=slow, marks=slow, rollups=slow, clock=MovableClock(NOW))
    return Answers(reading=reading, deadlines=timer.deadline)


QUESTION = Question(
    org_id=UUID(int=1),
    start=NOW - timedelta(days=2, seconds=5),
    end=NOW,
    metrics=(Metric.COST_USD,),
    dimensions=(Dimension.MODEL,),
)


async def test_every_read_of_a_question_has_what_those_before_have_left() -> None:
    timer = Timer()
    slow = Slow(timer, 4)

    await answers(slow, timer).ask(QUESTION)

    assert slow.allowed == [22_000, 18_000, 14_000, 10_000, 6_000]


async def test_a_comparison_is_one_answer() -> None:
    timer = Timer()
    slow = Slow(timer, 4)

    with pytest.raises(TooSlow, match="shorter range"):
        await answers(slow, timer).compare(QUESTION)

    assert slow.allowed == [22_000, 18_000, 14_000, 10_000, 6_000, 2_000]
