"""Several providers as one: nothing is lost that one of them takes, and nothing is sent twice by two of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from notification.delivery.circuit import FAILURES, FIRST_PAUSE, Rate
from notification.delivery.failover import Failover
from notification.delivery.ports import Failed, NotBegun, Outcome, Outgoing, Provider, Refused, Sent
from tests.fakes.outgoing import mail

DOWN = Failed("down")
LOST = Failed("lost", unknown=True)
BEGAN = datetime(2026, 11, 28, 12, tzinfo=UTC)


class MovedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = BEGAN

    def now(self) -> datetime:
        return self.time

    async def pause(self, seconds: float) -> None:
        """Let the time go by that somebody waits for."""
        await asyncio.sleep(0)
        self.time += timedelta(seconds=seconds)


class Scripted:
    """A provider that does as it is told, and then sends."""

    def __init__(self, name: str, *outcomes: Outcome, batch: int = 100) -> None:
        self.name = name
        self.batch = batch
        self.outcomes = [*outcomes]
        self.calls: list[list[Outgoing]] = []
        self.closed = False

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.calls.append([*messages])
        return [self.outcomes.pop(0) if self.outcomes else Sent("id") for _ in messages]

    async def close(self) -> None:
        self.closed = True

    @property
    def given(self) -> list[Outgoing]:
        return [message for call in self.calls for message in call]


class Broken(Scripted):
    """A provider with a defect."""

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        await super().send(messages)
        raise RuntimeError("a defect")


def failover(*providers: Provider, clock: MovedClock | None = None, **rates: Rate) -> Failover:
    clock = clock or MovedClock()
    return Failover(providers, clock=clock, random=lambda: 0.5, pause=clock.pause, rates=rates)


class Timed(Scripted):
    """A provider that notes when it was asked."""

    def __init__(self, name: str, clock: MovedClock, *, batch: int = 100) -> None:
        super().__init__(name, batch=batch)
        self._clock = clock
        self.moments: list[float] = []

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.moments += [(self._clock.time - BEGAN).total_seconds()] * len(messages)
        return await super().send(messages)


async def test_what_the_first_certainly_did_not_take_the_next_one_gets_at_once() -> None:
    first, second = Scripted("first", Sent("1"), DOWN), Scripted("second")
    messages = [mail(), mail()]
    outcomes = await failover(first, second).send(messages)
    assert outcomes == [Sent("1", provider="first"), Sent("id", provider="second")]
    assert second.given == messages[1:]


@pytest.mark.parametrize("outcome", [LOST, Refused("no"), Refused("none", gone=True)])
async def test_what_may_have_been_taken_or_never_will_be_nobody_else_gets(outcome: Outcome) -> None:
    first, second = Scripted("first", outcome), Scripted("second")
    (came,) = await failover(first, second).send([mail()])
    assert type(came) is type(outcome)
    assert came.provider == "first"
    assert second.given == []


async def test_who_fails_again_and_again_is_left_alone_and_asked_again_later() -> None:
    clock = MovedClock()
    first, second = Scripted("first", *[DOWN] * FAILURES), Scripted("second")
    both = failover(first, second, clock=clock)
    for _ in range(FAILURES + 3):
        await both.send([mail()])
    assert len(first.given) == FAILURES
    assert len(second.given) == FAILURES + 3
    clock.time += FIRST_PAUSE
    outcomes = await both.send([mail() for _ in range(10)])
    assert {outcome.provider for outcome in outcomes} == {"first"}
    assert [len(call) for call in first.calls[FAILURES:]] == [1, 9]  # a probe, and then the rest


async def test_while_all_are_left_alone_nothing_is_sent_and_it_is_said_for_how_long() -> None:
    clock = MovedClock()
    only = Scripted("only", Failed("wrong key", ours=True))
    alone = failover(only, clock=clock)
    assert alone.available()
    await alone.send([mail()])
    assert not alone.available()
    (outcome,) = await alone.send([mail()])
    assert isinstance(outcome, Failed)
    assert (outcome.provider, outcome.retry_after, outcome.unknown) == (None, FIRST_PAUSE, False)
    assert len(only.given) == 1
    clock.time += FIRST_PAUSE
    assert alone.available()


async def test_who_is_busy_is_left_alone_for_as_long_as_it_wants() -> None:
    clock = MovedClock()
    first, second = Scripted("first", Failed("busy", retry_after=timedelta(seconds=30))), Scripted("second")
    both = failover(first, second, clock=clock)
    await both.send([mail()])
    clock.time += timedelta(seconds=29)
    await both.send([mail()])
    assert len(first.given) == 1
    clock.time += timedelta(seconds=1)
    await both.send([mail()])
    assert len(first.given) == 2


async def test_what_is_more_than_a_provider_may_get_the_next_one_gets() -> None:
    first, second = Scripted("first"), Scripted("second")
    await failover(first, second, first=Rate(per_second=1, burst=3)).send([mail() for _ in range(5)])
    assert (len(first.given), len(second.given)) == (3, 2)


async def test_no_call_has_more_messages_than_its_provider_takes() -> None:
    first, second = Scripted("first", *[DOWN] * 7, batch=1000), Scripted("second", batch=2)
    both = failover(first, second)
    assert both.batch == 1000
    await both.send([mail() for _ in range(7)])
    assert max(map(len, second.calls)) == 2
    assert len(second.given) == 7


async def test_a_defect_of_one_provider_is_nobody_elses_and_sends_nothing_twice() -> None:
    first, second = Broken("first"), Scripted("second")
    (outcome,) = await failover(first, second).send([mail()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert second.given == []


async def test_a_call_that_is_given_up_keeps_no_probe() -> None:
    clock, asked, never = MovedClock(), asyncio.Event(), asyncio.Event()

    class Stalling(Scripted):
        async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
            if self.outcomes:
                return await super().send(messages)
            asked.set()
            await never.wait()
            return []

    alone = failover(Stalling("only", Failed("wrong key", ours=True)), clock=clock)
    await alone.send([mail()])
    clock.time += FIRST_PAUSE
    probing = asyncio.create_task(alone.send([mail()]))
    await asked.wait()
    assert not alone.available()
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert alone.available()


async def test_without_providers_nothing_is_ever_available() -> None:
    nobody = failover()
    assert not nobody.available()
    (outcome,) = await nobody.send([mail()])
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


async def test_nobody_is_asked_once_the_time_is_up() -> None:
    clock = MovedClock()

    class Slow(Scripted):
        async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
            clock.time += timedelta(seconds=10)
            return await super().send(messages)

    first, second = Slow("smtp", DOWN, batch=1), Scripted("second")
    messages = [replace(mail(), begin_until=clock.time + timedelta(seconds=10)) for _ in range(3)]

    outcomes = await failover(first, second, clock=clock).send(messages)

    assert outcomes == [Failed("down", provider="smtp"), NotBegun(), NotBegun()]
    assert (first.given, second.given) == (messages[:1], [])


async def test_closing_closes_all() -> None:
    first, second = Scripted("first"), Scripted("second")
    await failover(first, second).close()
    assert first.closed
    assert second.closed


OUTCOMES = st.sampled_from([Sent("1"), DOWN, LOST, Refused("no"), Failed("busy", retry_after=timedelta(seconds=1))])


@given(st.lists(st.lists(OUTCOMES, max_size=12), min_size=1, max_size=3), st.integers(1, 12), st.integers(1, 5))
async def test_nobody_gets_what_another_may_have_taken(scripts: list[list[Outcome]], count: int, batch: int) -> None:
    providers = [Scripted(str(number), *script, batch=batch) for number, script in enumerate(scripts)]
    messages = [mail() for _ in range(count)]
    outcomes = await failover(*providers).send(messages)
    for message, outcome in zip(messages, outcomes, strict=True):
        by = [provider.name for provider in providers if message in provider.given]
        assert by == sorted(set(by))
        assert outcome.provider == (by[-1] if by else None)
        for provider in providers:
            assert provider.given.count(message) <= 1


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
    assert failover(Scripted("first", DOWN)).room() is None
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
