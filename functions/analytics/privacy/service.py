"""Erasing a person from what is kept."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from analytics.privacy.models import MOST_ERASED, Erased
from analytics.privacy.ports import Minutes, Traces

_AT_ONCE: Final = 5_000


class ErasureService:
    """Deletes a person's tracked events, and takes their name from the LLM calls that were made for them."""

    def __init__(
        self, *, events: Traces, calls: Traces, sums_of_events: Sequence[Minutes], sums_of_calls: Sequence[Minutes]
    ) -> None:
        self._events = events, sums_of_events
        self._calls = calls, sums_of_calls

    async def erase(self, org_id: UUID, user_id: str) -> Erased:
        """Erase a person, or as much as one request may: repeat it until it is done.

        Safe to repeat. Raises StoreUnavailable, TooSlow.
        """
        events, no_events = await self._erase(*self._events, org_id, user_id)
        calls, no_calls = await self._erase(*self._calls, org_id, user_id)
        return Erased(events=events, calls=calls, done=no_events and no_calls)

    async def _erase(self, traces: Traces, sums: Sequence[Minutes], org_id: UUID, user_id: str) -> tuple[int, bool]:
        erased = 0
        while erased < MOST_ERASED:
            part = await traces.of(org_id, user_id, limit=_AT_ONCE)
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
