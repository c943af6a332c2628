"""What one can do with an organization's settings."""

from collections.abc import Collection

from integration.management.organization_settings.models import (
    OrganizationSettings,
    SettingsChanged,
    require_time_zone,
)
from integration.management.organization_settings.ports import Settings
from integration.management.ports import Change
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_data.ports import Events


class SettingsService:
    """Shows and changes an organization's settings."""

    def __init__(self, *, settings: Settings, events: Events, change: Change, clock: Clock) -> None:
        self._settings = settings
        self._events = events
        self._change = change
        self._clock = clock

    async def find(self, principal: Principal) -> OrganizationSettings:
        """The settings of the caller's organization: version 1 before anybody set something."""
        found = await self._settings.find(principal.org_id)
        return found or OrganizationSettings(org_id=principal.org_id)

    async def put(
        self, principal: Principal, *, time_zone: str, expected: Collection[int] | None
    ) -> OrganizationSettings:
        """Change the settings, if they have one of the expected versions. Safe to repeat.

        Raises UnknownTimeZone, ChangedMeanwhile.
        """
        require_time_zone(time_zone)
        async with self._change(principal.org_id):
            before = await self.find(principal)
            before.require_version(expected)
            if time_zone == before.time_zone:
                return before
            after = OrganizationSettings(
                org_id=principal.org_id,
                version=before.version + 1,
                time_zone=time_zone,
                updated_by=principal.actor_id,
                updated_at=self._clock.now(),
            )
            await self._settings.put(after)
            changed = SettingsChanged(time_zone=time_zone, version=after.version, changed_by=principal.actor_id)
            await self._events.announce(changed, org_id=after.org_id, aggregate_id=after.org_id)
        return after
