"""Erasing a person from what is kept."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from analytics.deadlines import Deadline
from analytics.erasures.models import Kind, Person
from analytics.models import TooSlow
from analytics.privacy.models import MOST_ERASED, Erased
from analytics.privacy.ports import Files, Memory, Minutes, Names, Traces
from llmo_core.clock import Clock

_AT_ONCE: Final = 5_000


class ErasureService:
    """Deletes a person's tracked events, and takes their name from LLM calls, sums, filters, and what arrives later.

    Args:
        deadlines: Begins the time that one request may take.
    """

    def __init__(
        self,
        *,
        events: Traces,
        calls: Traces,
        sums_of_events: Sequence[Minutes],
        sums_of_calls: Sequence[Minutes],
        memory: Memory,
        names: Names,
        files: Files,
        clock: Clock,
        deadlines: Callable[[], Deadline] = Deadline,
    ) -> None:
        self._events = events, sums_of_events
        self._calls = calls, sums_of_calls
        self._memory = memory
        self._names = names
        self._files = files
        self._clock = clock
        self._deadlines = deadlines

    async def erase(self, org_id: UUID, person: Person) -> Erased:
        """Erase a person, or as much as one request may: repeat it until it is done.

        They are remembered first: from then on whoever keeps what arrives finds them. Files go last, so that none is
        made of what was there. Safe to repeat. Raises StoreUnavailable, ObjectsUnavailable, TooSlow.
        """
        deadline = self._deadlines()
        await self._memory.remember(org_id, person, at=self._clock.now())
        events, no_events = await self._erase(*self._events, org_id, person)
        calls, no_calls = await self._erase(*self._calls, org_id, person)
        erased = Erased(events=events, calls=calls, rollups=0, files=0, done=False)
        if not (no_events and no_calls):
            return erased
        rollups = 0
        if person.kind is Kind.USER:
            try:
                rollups = await self._names.forget(org_id, person.id, deadline=deadline)
            except TooSlow:
                return erased
            await self._files.rename(org_id, person.id)
        files = await self._files.withdraw(org_id, now=self._clock.now())
        return erased.model_copy(update={"rollups": rollups, "files": files, "done": True})

    async def _erase(self, traces: Traces, sums: Sequence[Minutes], org_id: UUID, person: Person) -> tuple[int, bool]:
        erased = 0
        while erased < MOST_ERASED:
            part = await traces.of(org_id, person, limit=_AT_ONCE)
            if not part.ids:
                return erased, True
            # Before as well: when this process dies between the two, nobody finds these documents again.
            for each in sums:
                await each.mark(org_id, part.minutes)
            await traces.erase(org_id, part)
            for each in sums:
                await each.mark(org_id, part.minutes)
            erased += len(part.ids)
        return erased, False
