"""A provider gets as many messages a second as it may, no more and no less."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import given

from notification.delivery.circuit import Rate
from notification.delivery.ports import Failed, NotBegun, Sent
from tests.fakes.outgoing import mail
from tests.fakes.scripted_providers import BEGAN, MovedClock, Scripted, Timed, failover


@given(
    per_second=st.sampled_from([0.7, 1.0, 3.0, 14.0, 100.0]),
    burst=st.integers(1, 20),
    count=st.integers(1, 60),
    batch=st.integers(1, 10),
    callers=st.integers(1, 5),
)
async def test_a_rate_is_reached_and_never_exceeded(
    per_second: float, burst: int, count: int, batch: int, callers: int
) -> None:
    clock = MovedClock()
    only = Timed("only", clock, batch=batch)
    limited = failover(only, clock=clock, only=Rate(per_second, burst))
    outcomes = await asyncio.gather(*(limited.send([mail() for _ in range(count)]) for _ in range(callers)))
    assert {type(outcome) for each in outcomes for outcome in each} == {Sent}
    assert len(only.moments) == count * callers
    for number, moment in enumerate(only.moments, start=1):
        assert number <= burst + moment * per_second + 0.01  # never exceeded
    late = max(count * callers - burst, 0) / per_second
    assert only.moments[-1] <= late + 0.01  # and reached


async def test_what_gets_no_token_in_time_is_not_begun_and_nothing_is_waited_for() -> None:
    clock = MovedClock()
    only = Timed("only", clock)
    limited = failover(only, clock=clock, only=Rate(1, 2))
    until = clock.time + timedelta(seconds=3)
    outcomes = await limited.send([replace(mail(), begin_until=until) for _ in range(10)])
    assert [type(each) for each in outcomes] == [Sent] * 4 + [NotBegun] * 6
    assert only.moments == [0, 0, 1, 2]
    assert clock.time < until


async def test_nobody_waits_for_a_token_while_somebody_else_takes_it() -> None:
    clock = MovedClock()
    first, second = Timed("first", clock), Timed("second", clock)
    await failover(first, second, clock=clock, first=Rate(1, 2)).send([mail() for _ in range(5)])
    assert (len(first.moments), second.moments) == (2, [0, 0, 0])


async def test_nobody_waits_for_the_token_of_who_is_left_alone() -> None:
    clock = MovedClock()
    only = Scripted("only", Failed("wrong key", ours=True))
    limited = failover(only, clock=clock, only=Rate(1, 1))
    outcomes = await limited.send([mail()])
    outcomes = [*outcomes, *await limited.send([mail()])]
    assert [type(each) for each in outcomes] == [Failed, Failed]
    assert clock.time == BEGAN
    assert not await limited.ready(BEGAN + timedelta(hours=1))


async def test_there_is_room_for_what_is_sent_in_a_second() -> None:
    clock = MovedClock()
    limited = failover(Scripted("first"), Scripted("second"), clock=clock, first=Rate(10, 5), second=Rate(0.1, 1))
    assert limited.room() == 16
    assert failover(Scripted("first"), Scripted("second"), first=Rate(10, 5)).room() is None
    assert failover(Scripted("first")).room() is None
    await limited.send([mail() for _ in range(6)])
    assert limited.room() == 11


async def test_it_is_ready_when_the_next_token_is_there_unless_that_is_too_late() -> None:
    clock = MovedClock()
    limited = failover(Scripted("only"), clock=clock, only=Rate(0.5, 1))
    assert await limited.ready(clock.time)
    await limited.send([mail()])
    assert not await limited.ready(clock.time + timedelta(seconds=2))
    assert clock.time == BEGAN
    assert await limited.ready(clock.time + timedelta(seconds=3))
    assert clock.time == BEGAN + timedelta(seconds=2)
