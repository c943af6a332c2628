"""Templates for senders and the planner, with their adapters."""

from collections.abc import Sequence
from uuid import UUID

from llmo_core.clock import SystemClock
from llmo_data.postgres import Database
from notification.kinds.models import Channel
from notification.templates.models import Published
from notification.templates.resolving import Templates


class _None:
    def __init__(self, _database: Database) -> None:
        pass

    async def published(self, _org_id: UUID, _kind: str, _channel: Channel) -> Sequence[Published]:
        return []

    async def own_kinds(self, _org_id: UUID) -> Sequence[tuple[Published, Channel]]:
        return []


def templates_of(database: Database, *, app_url: str) -> Templates:
    """What renders messages."""
    return Templates(store=_None(database), app_url=app_url, clock=SystemClock())
