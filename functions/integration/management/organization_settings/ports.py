"""What the use cases of settings need of the world around them."""

from typing import Protocol
from uuid import UUID

from integration.management.organization_settings.models import OrganizationSettings


class Settings(Protocol):
    """Organizations' settings."""

    async def find(self, org_id: UUID) -> OrganizationSettings | None:
        """An organization's; None before anybody set something."""
        ...

    async def put(self, settings: OrganizationSettings) -> None:
        """Keep an organization's settings, in place of those that it had."""
        ...
