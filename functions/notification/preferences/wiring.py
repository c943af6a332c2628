"""The use cases of preferences with their adapters."""

from llmo_core.clock import SystemClock
from notification import wiring as shared
from notification.preferences.repository import PostgresPreferences
from notification.preferences.service import PreferenceService


async def preference_service() -> PreferenceService:
    """The use cases of preferences."""
    return PreferenceService(
        preferences=PostgresPreferences(shared.database()),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
