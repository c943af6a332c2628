"""Providers that do as a test tells them, at a time that it sets."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from notification.delivery.circuit import Rate
from notification.delivery.failover import Failover
from notification.delivery.ports import Outcome, Outgoing, Provider, Sent

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
