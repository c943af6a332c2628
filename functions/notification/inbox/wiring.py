"""The use cases of the inbox with their adapters."""

from llmo_core.clock import SystemClock
from notification import wiring as shared
from notification.inbox.repository import PostgresInbox
from notification.inbox.service import InboxService


async def inbox_service() -> InboxService:
    """The use cases of the inbox."""
    return InboxService(inbox=PostgresInbox(shared.database()), clock=SystemClock())
