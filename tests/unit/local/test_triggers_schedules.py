import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol

import orjson
import pytest

from local.runtime.models import Invocation, UnknownSchedule
from local.stack import ScheduleSpec, StackSpec
from local.triggers.schedules import Scheduler


class ManualClock(Protocol):
    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...
    async def someone_sleeps(self) -> float: ...
    def advance(self, seconds: float) -> None: ...


class Functions:
    """Keeps what was invoked; fails when told to."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.function_error: str | None = None

    async def invoke(self, function: str, payload: bytes, *, trace_id: str | None = None) -> Invocation:
        assert trace_id is None
        self.calls.put_nowait((function, orjson.loads(payload)))
        return Invocation("r-1", b'{"errorMessage": "no"}', self.function_error)


STACK = StackSpec(
    stage="dev",
    region="eu-west-1",
    account_id="123456789012",
    aws_endpoint_url="http://127.0.0.1:1",
    functions={},
    routes=(),
    schedules=(
        ScheduleSpec("SweeperFunction", "sweep", "rate(1 minute)"),
        ScheduleSpec("ReportFunction", "report", "cron(0 3 * * ? *)", input='{"kind": "daily"}'),
    ),
)


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
async def scheduler(functions: Functions, clock: ManualClock) -> AsyncIterator[Scheduler]:
    running = Scheduler(STACK, functions, clock=clock)
    running.start()
    yield running
    await running.stop()


@pytest.mark.usefixtures("scheduler")
async def test_a_rate_fires_each_time_its_interval_is_over(functions: Functions, clock: ManualClock) -> None:
    for minute in ("12:01:30", "12:02:30"):
        assert await clock.someone_sleeps() == 60
        clock.advance(60)
        function, event = await functions.calls.get()
        assert function == "SweeperFunction"
        assert event["time"] == f"2026-01-01T{minute}Z"
        assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
        assert event["resources"] == ["arn:aws:events:eu-west-1:123456789012:rule/sweep"]


async def test_a_failing_function_does_not_end_its_schedule(
    scheduler: Scheduler, functions: Functions, clock: ManualClock
) -> None:
    functions.function_error = "Unhandled"

    for _ in range(2):
        await clock.someone_sleeps()
        clock.advance(60)
        await functions.calls.get()

    assert scheduler.health() == {"ready": True, "schedules": 2}


async def test_a_schedule_can_be_fired_by_hand(scheduler: Scheduler, functions: Functions) -> None:
    invocation = await scheduler.fire("report")

    assert invocation.request_id == "r-1"
    assert await functions.calls.get() == ("ReportFunction", {"kind": "daily"})


async def test_an_unknown_schedule_cannot_be_fired(scheduler: Scheduler) -> None:
    with pytest.raises(UnknownSchedule):
        await scheduler.fire("nothing")


async def test_what_comes_next_is_told(scheduler: Scheduler) -> None:
    assert scheduler.upcoming() == {"sweep": "2026-01-01T12:01:30Z", "report": "2026-01-02T03:00:00Z"}
