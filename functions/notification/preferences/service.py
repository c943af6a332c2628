"""What one can do with preferences."""

from collections.abc import Collection
from uuid import UUID

from llmo_auth.principal import Person, Principal
from llmo_core.clock import Clock
from llmo_data.ports import Transaction
from notification.kinds.models import Category, Channel
from notification.preferences.models import Choices, Defaults, OrganizationPreferences, UserPreferences
from notification.preferences.ports import Preferences


class PreferenceService:
    """Shows and changes what the caller, or the caller's organization, chose."""

    def __init__(self, *, preferences: Preferences, transaction: Transaction, clock: Clock) -> None:
        self._preferences = preferences
        self._transaction = transaction
        self._clock = clock

    async def own(self, person: Person) -> UserPreferences:
        """The caller's."""
        return await self._preferences.of_user(person.user_id)

    async def choose(self, person: Person, choices: Choices, *, expected: Collection[int] | None) -> UserPreferences:
        """Put other choices in place of the caller's. Safe to repeat without an expected revision.

        What is planned already stays as it was planned. Raises CriticalCategory, PreferencesChanged.
        """
        choices.require_sensible()
        async with self._transaction(None):
            before = await self._preferences.locked_of_user(person.user_id)
            before.require_revision(expected)
            return await self._keep(before, choices)

    async def mute(self, user_id: UUID, category: Category, channel: Channel) -> None:
        """Switch a channel of a category off that can be muted, whatever else somebody chose. Safe to repeat."""
        async with self._transaction(None):
            before = await self._preferences.locked_of_user(user_id)
            await self._keep(before, before.choices.switched(category, channel, on=False))

    async def _keep(self, before: UserPreferences, choices: Choices) -> UserPreferences:
        if choices == before.choices:
            return before
        after = UserPreferences(
            user_id=before.user_id, choices=choices, revision=before.revision + 1, updated_at=self._clock.now()
        )
        await self._preferences.change_user(after)
        return after

    async def of_organization(self, org_id: UUID) -> OrganizationPreferences:
        """What an organization chose for its members."""
        return await self._preferences.of_organization(org_id)

    async def choose_for_organization(
        self, principal: Principal, defaults: Defaults, *, expected: Collection[int] | None
    ) -> OrganizationPreferences:
        """Put other defaults in place of the organization's. Safe to repeat without an expected revision.

        Raises CriticalCategory, PreferencesChanged.
        """
        defaults.require_sensible()
        async with self._transaction(principal.org_id):
            before = await self._preferences.locked_of_organization(principal.org_id)
            before.require_revision(expected)
            if defaults == before.defaults:
                return before
            after = OrganizationPreferences(
                org_id=principal.org_id,
                defaults=defaults,
                revision=before.revision + 1,
                updated_by=principal.actor_id,
                updated_at=self._clock.now(),
            )
            await self._preferences.change_organization(after)
        return after
