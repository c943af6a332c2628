"""The use case of unsubscribing with its adapters."""

from llmo_core.clock import SystemClock
from notification import wiring as shared
from notification.preferences.repository import PostgresPreferences
from notification.preferences.wiring import preference_service
from notification.unsubscribing.service import UnsubscribeService
from notification.unsubscribing.tokens import UnsubscribeLinks


@shared.once
def unsubscribe_links() -> UnsubscribeLinks:
    """What makes and reads the links at the end of mails."""
    public_url = shared.parts.settings().public_url
    return UnsubscribeLinks(public_url=public_url, pepper=shared.parts.pepper(), clock=SystemClock())


async def unsubscribe_service() -> UnsubscribeService:
    """The use case of unsubscribing."""
    return UnsubscribeService(
        links=unsubscribe_links(),
        people=await preference_service(),
        addresses=PostgresPreferences(shared.database()),
        clock=SystemClock(),
    )
