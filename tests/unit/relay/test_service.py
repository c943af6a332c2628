from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from llmo_core.errors import Unavailable
from relay.models import Pass, Run, Waiting
from relay.service import REMEMBERED, Relay

NOW = datetime(2026, 8, 17, 12, tzinfo=UTC)
NOTHING = Pass(published=0, failed=0)


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Outbox:
    """Does its passes one after another, then has nothing more; a negative number of events means it is down."""

    schema: str = "auth"
    passes: list[Pass] = field(default_factory=list)
    left: Waiting = field(default_factory=lambda: Waiting(events=0, age=timedelta()))
    down: bool = False

    async def publish(self) -> Pass:
        if self.down:
            raise Unavailable("down")
        return self.passes.pop(0) if self.passes else NOTHING

    async def waiting(self, now: datetime) -> Waiting:
        assert now == NOW
        return self.left


@dataclass
class Schemas:
    found: Sequence[Outbox]
    forgotten_before: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def outboxes(self) -> Sequence[Outbox]:
        return self.found

    async def forget(self, *, events_before: datetime, requests_before: datetime) -> int:
        self.forgotten_before.append((events_before, requests_before))
        return 3


async def run(*outboxes: Outbox, seconds: Sequence[int] = ()) -> Run:
    times = [timedelta(seconds=each) for each in seconds]
    return await Relay(
        schemas=Schemas(outboxes),
        clock=StoppedClock(),
        time_left=lambda: times.pop(0) if times else timedelta(seconds=40),
    ).run()


async def test_every_outbox_is_emptied_pass_by_pass() -> None:
    first = Outbox(passes=[Pass(published=500, failed=0), Pass(published=20, failed=0)])
    second = Outbox("billing", passes=[Pass(published=7, failed=0)])

    done = await run(first, second)

    assert done == Run(published=527, forgotten=3, unread=0, backlog=0, oldest=timedelta())


async def test_a_bus_that_refuses_is_not_asked_again_in_the_same_run() -> None:
    stuck = Outbox(
        passes=[Pass(published=4, failed=1), Pass(published=9, failed=0)],
        left=Waiting(events=9, age=timedelta(minutes=6)),
    )

    done = await run(stuck)

    assert (done.published, done.backlog, done.oldest) == (4, 9, timedelta(minutes=6))


async def test_a_run_ends_when_its_time_is_up() -> None:
    full = Outbox(passes=[Pass(published=500, failed=0)] * 3, left=Waiting(events=500, age=timedelta(seconds=5)))

    done = await run(full, seconds=[20, 1, 0])

    assert (done.published, done.backlog) == (1000, 500)


@pytest.mark.parametrize("down_first", [True, False])
async def test_one_schemas_trouble_does_not_keep_the_others_from_their_turn(*, down_first: bool) -> None:
    down, good = Outbox("billing", down=True), Outbox(passes=[Pass(published=7, failed=0)])

    done = await run(*([down, good] if down_first else [good, down]))

    assert (done.published, done.unread) == (7, 1)


async def test_notes_are_forgotten_once_no_queue_can_deliver_their_events_again() -> None:
    schemas = Schemas([])

    await Relay(schemas=schemas, clock=StoppedClock(), time_left=lambda: timedelta(1)).run()

    assert schemas.forgotten_before == [(NOW - REMEMBERED, NOW)]
