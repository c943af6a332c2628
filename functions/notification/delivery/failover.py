"""Sending by the first provider that works.

What a provider certainly did not take the next one gets at once. What it may have taken nobody else gets: the
recipient would have it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from llmo_core.clock import Clock
from llmo_core.observability import logger, metrics
from notification.delivery.circuit import LONGEST_PAUSE, Circuit, Rate, Ticket
from notification.delivery.ports import Failed, NotBegun, Outcome, Outgoing, Provider

_MOST_CALLS_AT_ONCE: Final = 16
_CALLS_AT_ONCE: Final = MappingProxyType({"smtp": 1})  # of one connection: what waits for it has not begun
_OF_MANY: Final = frozenset({"web_push"})
_DEFECT: Final = Failed("A defect in sending; the log has it.", unknown=True)


class Failover:
    """Providers of a channel as one, the preferred one first. Outcomes say whose they are.

    Args:
        providers: Without any, nothing is ever available.
        random: Of [0, 1).
        pause: Waits so many seconds.
        rates: How much of a provider's messages one process sends, by its name; what is more the next one gets, and
            what is more than all of them may get waits.
    """

    name = "failover"

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        clock: Clock,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rates: Mapping[str, Rate] | None = None,
    ) -> None:
        self._providers = [
            _Guarded(provider, _circuit(provider.name, random, (rates or {}).get(provider.name)), clock)
            for provider in providers
        ]
        self.batch = max((provider.batch for provider in providers), default=1)
        self._clock = clock
        self._sleep = pause
        self._turnstile = asyncio.Lock()  # who waits for a token waits for those before

    def available(self) -> bool:
        """Whether any of them can be asked now."""
        return self.wait() <= timedelta()

    def room(self) -> int | None:
        """How many messages they take within a second, one at least; None for as many as there are."""
        now = self._clock.now()
        rooms = [each.circuit.room(now) for each in self._providers if not each.circuit.left_alone(now)]
        known = [room for room in rooms if room is not None]
        return sum(known) if known and len(known) == len(rooms) else None

    async def ready(self, until: datetime | None) -> bool:
        """Wait until one of them can be asked, if that is before this moment, and nothing but a rate is against it."""
        async with self._turnstile:
            while (wait := self._until_token()) is not None and wait > timedelta():
                if until is not None and self._clock.now() + wait >= until:
                    return False
                await self._sleep(wait.total_seconds())
        return wait is not None

    def wait(self) -> timedelta:
        """How long it is at least until any of them can be asked."""
        now = self._clock.now()
        return min((each.circuit.wait(now) for each in self._providers), default=LONGEST_PAUSE)

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand messages over; one outcome for each, in their order.

        It is the last one's that was asked. Where none could be, nobody is named, and it says when to ask again. What
        only a rate is against waits for its turn, for as long as its time allows.
        """
        outcomes: dict[int, Outcome] = {}
        waiting = [*range(len(messages))]
        until = min((each.begin_until for each in messages if each.begin_until is not None), default=None)
        while waiting and await self.ready(until):
            left: Sequence[int] = waiting
            for provider in self._providers:
                left = await provider.hand_over(messages, left, outcomes)
            waiting = [place for place in left if place not in outcomes]
            if waiting and until is not None and self._clock.now() >= until:
                break
        now = self._clock.now()
        nobody: Outcome = Failed("Every provider is left alone for a while.", retry_after=self.wait())
        put_off = NotBegun() if self._until_token() is not None else nobody
        return [
            outcomes.get(place, put_off if message.may_begin(now) else NotBegun())
            for place, message in enumerate(messages)
        ]

    def _until_token(self) -> timedelta | None:
        """How long it is until one of them can be asked that only its rate is against; None when there is none."""
        now = self._clock.now()
        return min((e.circuit.wait(now) for e in self._providers if not e.circuit.left_alone(now)), default=None)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(each.provider.close() for each in self._providers))


def _circuit(name: str, random: Callable[[], float], rate: Rate | None) -> Circuit:
    return Circuit(random=random, rate=rate, of_many=name in _OF_MANY)


class _Guarded:
    """A provider behind its circuit, which several calls may be under way to."""

    def __init__(self, provider: Provider, circuit: Circuit, clock: Clock) -> None:
        self.provider = provider
        self.circuit = circuit
        self._clock = clock
        self._slots = asyncio.Semaphore(_CALLS_AT_ONCE.get(provider.name, _MOST_CALLS_AT_ONCE))

    async def hand_over(
        self, messages: Sequence[Outgoing], places: Sequence[int], outcomes: dict[int, Outcome]
    ) -> list[int]:
        """Hand over those at these places, and note what came of it; which of them somebody else has to take."""
        size = self.provider.batch
        chunks = [places[start : start + size] for start in range(0, len(places), size)]
        left = await asyncio.gather(*(self._chunk(messages, chunk, outcomes) for chunk in chunks))
        return [place for chunk in left for place in chunk]

    async def _chunk(
        self, messages: Sequence[Outgoing], places: Sequence[int], outcomes: dict[int, Outcome]
    ) -> list[int]:
        left, waiting = list[int](), places
        async with self._slots:
            while waiting and (ticket := self._admitted(messages, waiting)) is not None:
                going, waiting = waiting[: ticket.count], waiting[ticket.count :]
                try:
                    came = await self._sent([messages[place] for place in going])
                except BaseException:
                    self.circuit.release(ticket)
                    raise
                if self.circuit.note(ticket, came, self._clock.now()):
                    self._warn(came)
                for place, outcome in zip(going, came, strict=True):
                    outcomes[place] = replace(outcome, provider=self.provider.name)
                    if isinstance(outcome, Failed) and not outcome.unknown:
                        left.append(place)
        return [*left, *waiting]

    def _admitted(self, messages: Sequence[Outgoing], waiting: Sequence[int]) -> Ticket | None:
        now = self._clock.now()
        if not all(messages[place].may_begin(now) for place in waiting):
            return None
        return self.circuit.admit(len(waiting), now)

    def _warn(self, outcomes: Sequence[Outcome]) -> None:
        """Say that the provider is left alone for a while: others may send in its place, and nobody would notice."""
        reason = next((each.reason for each in outcomes if isinstance(each, Failed)), "")
        logger().warning("a provider is left alone", extra={"provider": self.provider.name, "reason": reason[:500]})
        metrics().add_metric(name="ProviderCircuitsOpened", unit=MetricUnit.Count, value=1)

    async def _sent(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        try:
            return await self.provider.send(messages)
        except Exception:  # noqa: BLE001 - messages beside these are sent
            logger().exception("a defect in a provider", extra={"provider": self.provider.name})
            return [_DEFECT] * len(messages)
