"""Publishing what services could not publish themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from relay.models import Pass, Run, Waiting

# A message lives for at most 4 days in a queue and 14 in its dead-letter queue, and a redrive starts that over.
REMEMBERED = timedelta(days=30)


class OutboxOfService(Protocol):
    """The outbox of one service's schema."""

    @property
    def schema(self) -> str:
        """The schema's name."""
        ...

    async def publish(self) -> Pass:
        """Publish up to a batch of waiting events. Raises Unavailable."""
        ...

    async def waiting(self, now: datetime) -> Waiting:
        """What is left. Raises Unavailable."""
        ...


class Schemas(Protocol):
    """Every schema that has an outbox, an inbox, or requests with an `Idempotency-Key`."""

    async def outboxes(self) -> Sequence[OutboxOfService]:
        """The outboxes. Raises Unavailable."""
        ...

    async def forget(self, *, events_before: datetime, requests_before: datetime) -> int:
        """Delete notes of events that arrived before a moment, and what expired before another.

        Raises Unavailable.
        """
        ...


class Relay:
    """Empties the outboxes of all services.

    Args:
        time_left: How much longer this run may take.
    """

    def __init__(self, *, schemas: Schemas, clock: Clock, time_left: Callable[[], timedelta]) -> None:
        self._schemas = schemas
        self._clock = clock
        self._time_left = time_left

    async def run(self) -> Run:
        """Publish until nothing is left, nothing more can be published, or the time is up.

        Safe to repeat and to run twice at once. One schema's trouble does not keep the others from their turn. Raises
        Unavailable when the database does not answer at all.
        """
        outboxes = await self._schemas.outboxes()
        published, unread = 0, 0
        left: list[Waiting] = []
        for outbox in outboxes:
            try:
                published += await self._empty(outbox)
                left.append(await outbox.waiting(self._clock.now()))
            except Unavailable as error:
                logger().error("outbox not relayed", extra={"schema": outbox.schema, "reason": error.detail})
                unread += 1
        now = self._clock.now()
        forgotten = await self._schemas.forget(events_before=now - REMEMBERED, requests_before=now)
        return Run(
            published=published,
            forgotten=forgotten,
            unread=unread,
            backlog=sum(waiting.events for waiting in left),
            oldest=max((waiting.age for waiting in left), default=timedelta()),
        )

    async def _empty(self, outbox: OutboxOfService) -> int:
        published = 0
        while self._time_left() > timedelta():
            done = await outbox.publish()
            published += done.published
            if not done.published or done.failed:
                break
        return published
