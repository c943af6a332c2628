"""What preferences need of the world around them. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notification.kinds.models import Category
from notification.preferences.deciding import Counted
from notification.preferences.models import Choices, Defaults, OrganizationPreferences, UserPreferences


class Preferences(Protocol):
    """Where people's and organizations' preferences are kept."""

    async def of_user(self, user_id: UUID) -> UserPreferences:
        """A person's; revision 1 before they chose anything."""
        ...

    async def locked_of_user(self, user_id: UUID) -> UserPreferences:
        """The same; nobody else changes them before the transaction under way ends."""
        ...

    async def change_user(self, preferences: UserPreferences) -> None:
        """Keep what has changed of them."""
        ...

    async def of_organization(self, org_id: UUID) -> OrganizationPreferences:
        """An organization's; revision 1 before anybody chose anything."""
        ...

    async def locked_of_organization(self, org_id: UUID) -> OrganizationPreferences:
        """The same; nobody else changes them before the transaction under way ends."""
        ...

    async def change_organization(self, preferences: OrganizationPreferences) -> None:
        """Keep what has changed of them."""
        ...


class Chosen(Protocol):
    """What the planner of messages asks, for up to a thousand people at once."""

    async def choices_of(self, user_ids: Collection[UUID]) -> Mapping[UUID, Choices]:
        """Everybody's choices, also of those who made none; in a transaction of no organization."""
        ...

    async def defaults_of(self, org_id: UUID | None) -> Defaults:
        """What an organization chose for its members; nothing where there is no organization."""
        ...

    async def counted(
        self, choices: Mapping[UUID, Choices], defaults: Defaults, now: datetime
    ) -> Mapping[UUID, Counted]:
        """What caps have been used up by, from today on, of those who have some; in a transaction of no organization.

        Messages of all their organizations count, but none that is critical or goes into a digest.
        """
        ...

    async def muted_addresses(
        self, org_id: UUID | None, category: Category, address_hashes: Collection[str]
    ) -> Collection[str]:
        """Of addresses without an account those that want no e-mail of the category from the organization."""
        ...
