"""Several providers as one: nothing is lost that one of them takes, and nothing is sent twice by two of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from notification.delivery.circuit import FAILURES, FIRST_PAUSE, Rate
from notification.delivery.ports import Failed, NotBegun, Outcome, Outgoing, Refused, Sent
from tests.fakes.outgoing import mail
from tests.fakes.scripted_providers import MovedClock, Scripted, failover

DOWN = Failed("down")
LOST = Failed("lost", unknown=True)


class Broken(Scripted):
    """A provider with a defect."""

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        await super().send(messages)
        raise RuntimeError("a defect")


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
