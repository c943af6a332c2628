"""The use cases of settings with their adapters."""

from integration.management import wiring as shared
from integration.management.organization_settings.repository import PostgresSettings
from integration.management.organization_settings.service import SettingsService
from llmo_core.clock import SystemClock


async def settings_service() -> SettingsService:
    """The use cases of settings."""
    return SettingsService(
        settings=PostgresSettings(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
    )
