"""What watching needs of the world around it."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from analytics.querying.models import Answer, Question


class Asked(Protocol):
    """Answers questions."""

    async def ask(self, question: Question) -> Answer:
        """What was asked for. Raises StoreUnavailable, TooSlow, TooManyCalls."""
        ...


class Watchers(Protocol):
    """Who watches. Everything raises StoreUnavailable."""

    async def take(self, org_id: UUID, watcher: str, *, now: datetime, until: datetime, most: int) -> bool:
        """Take a watcher on until then; False when so many watch already."""
        ...

    async def leave(self, watcher: str) -> None:
        """Make room for another one."""
        ...
