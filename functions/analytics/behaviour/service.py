"""Answering questions about tracked events."""

from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from typing import Final, Protocol
from uuid import UUID

from analytics.behaviour.counting import EventCount
from analytics.behaviour.funnels import FunnelCount
from analytics.behaviour.models import (
    Count,
    CountQuery,
    EventQuery,
    Funnel,
    FunnelQuery,
    ListedEvent,
    Matching,
    Range,
    Retention,
    RetentionQuery,
    Seen,
)
from analytics.behaviour.ports import TrackedEvents
from analytics.behaviour.returning import ReturnCount
from analytics.deadlines import Deadline

_CHECKED_EVERY: Final = 1_000  # events
_NARROWER: Final = "Ask for a shorter range, or for rarer events."


def answering() -> Deadline:
    """The time for an answer that begins now."""
    return Deadline(narrower=_NARROWER)


class _Taking(Protocol):
    def add(self, seen: Seen) -> None: ...


class BehaviourService:
    """Reads the events that a question is about, and no more than may be read for one answer.

    Everything raises EmptyRange, RangeTooLong, TooManyEvents, StoreUnavailable, TooSlow.

    Args:
        deadlines: Begins the time that one answer may take, reading and counting together.
    """

    def __init__(self, *, events: TrackedEvents, deadlines: Callable[[], Deadline] = answering) -> None:
        self._events = events
        self._deadlines = deadlines

    async def funnel(self, query: FunnelQuery) -> Funnel:
        """How far people get, step by step. All steps lie in the range."""
        count = FunnelCount(query)
        deadline = await self._fill(count, query.org_id, query.steps, query.range, pairs=query.breakdown is not None)
        return count.result(deadline.check)

    async def retention(self, query: RetentionQuery) -> Retention:
        """Who comes back, altogether and by when they came first in the range."""
        count = ReturnCount(query)
        deadline = await self._fill(count, query.org_id, (query.first, query.returning), query.range)
        return count.result(deadline.check)

    async def counts(self, query: CountQuery) -> Sequence[Count]:
        """How many events there were, and exactly how many people did them. Raises TooManyGroups, too."""
        count = EventCount(query)
        await self._fill(count, query.org_id, [Matching(name=name) for name in query.names], query.range)
        return count.result()

    async def page(self, query: EventQuery) -> Sequence[ListedEvent]:
        """Events one by one, the newest first."""
        query.range.checked()
        return await self._events.page(query)

    async def _fill(
        self, taking: _Taking, org_id: UUID, wanted: Collection[Matching], within: Range, *, pairs: bool = False
    ) -> Deadline:
        deadline, read = self._deadlines(), 0
        names = {matching.name for matching in wanted}
        pairs = pairs or any(matching.pairs for matching in wanted)
        found = self._events.seen(org_id, names, within.checked(), pairs=pairs, deadline=deadline)
        async with aclosing(found) as events:
            async for seen in events:
                taking.add(seen)
                read += 1
                if read % _CHECKED_EVERY == 0:
                    deadline.check()
        return deadline
