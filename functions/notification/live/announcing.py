"""Telling who watches their inbox of what came into it."""

from collections.abc import Sequence
from typing import Protocol

from llmo_core.observability import logger
from llmo_data.ports import AfterCommit
from notification.inbox.models import InboxItem
from notification.live.models import LiveUnavailable


class Shown(Protocol):
    """Where who watches reads items."""

    async def put(self, items: Sequence[InboxItem]) -> None:
        """Show items to who watches, or comes back soon. Raises LiveUnavailable."""
        ...


class Announcer:
    """Shows items once they are committed. An inbox that cannot be watched is read later: nothing is raised.

    Args:
        after_commit: See Database.after_commit.
    """

    def __init__(self, *, shown: Shown, after_commit: AfterCommit) -> None:
        self._shown = shown
        self._after_commit = after_commit

    def announce(self, items: Sequence[InboxItem]) -> None:
        """Show items when the transaction under way is committed, if it is."""
        if items:
            self._after_commit(("live inboxes", items[0].id), lambda: self._show(items))

    async def _show(self, items: Sequence[InboxItem]) -> None:
        try:
            await self._shown.put(items)
        except LiveUnavailable as error:
            logger().warning(
                "nobody sees these items live", extra={"items": len(items), "reason": str(error.__cause__)}
            )
