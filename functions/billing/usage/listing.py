"""The events that were counted, as an organization counts them again itself."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.usage.models import EmptyRange, KeptEvent, ListedEvents
from billing.usage.ports import KeptEvents


class UsageListing:
    """Shows events of usage."""

    def __init__(self, *, events: KeptEvents) -> None:
        self._events = events

    async def page(self, wanted: ListedEvents) -> tuple[Sequence[KeptEvent], tuple[datetime, UUID] | None]:
        """Some events, the latest first, and what the next page starts after, which is None at the end.

        Raises EmptyRange.
        """
        if wanted.start is not None and wanted.end is not None and wanted.start >= wanted.end:
            raise EmptyRange
        found = await self._events.listed(wanted.model_copy(update={"limit": wanted.limit + 1}))
        shown = found[: wanted.limit]
        more = len(found) > wanted.limit
        return shown, (shown[-1].occurred_at, shown[-1].event_id) if more else None
