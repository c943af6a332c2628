"""Preferences in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from llmo_core.model import Model
from llmo_data.postgres import Database, every, one
from notification.kinds.models import Category, Channel
from notification.preferences.deciding import NOTHING, Counted
from notification.preferences.models import (
    Choices,
    Defaults,
    OrganizationPreferences,
    UserPreferences,
    time_zone,
)

USER: Final = "SELECT user_id, choices, revision, updated_at FROM notification.user_preferences WHERE user_id = %(id)s"
MAKE_USER: Final = """
    INSERT INTO notification.user_preferences (user_id) VALUES (%(id)s) ON CONFLICT (user_id) DO NOTHING
    """
LOCK_USER: Final = USER + " FOR UPDATE"
CHANGE_USER: Final = """
    UPDATE notification.user_preferences
    SET choices = %(choices)s, revision = %(revision)s, updated_at = %(updated_at)s
    WHERE user_id = %(user_id)s
    """
CHOICES: Final = "SELECT user_id, choices FROM notification.user_preferences WHERE user_id = ANY(%(ids)s::uuid[])"
ORGANIZATION: Final = """
    SELECT org_id, defaults, revision, updated_by, updated_at
    FROM notification.organization_preferences WHERE org_id = %(id)s
    """
MAKE_ORGANIZATION: Final = """
    INSERT INTO notification.organization_preferences (org_id) VALUES (%(id)s) ON CONFLICT (org_id) DO NOTHING
    """
LOCK_ORGANIZATION: Final = ORGANIZATION + " FOR UPDATE"
CHANGE_ORGANIZATION: Final = """
    UPDATE notification.organization_preferences
    SET defaults = %(defaults)s, revision = %(revision)s, updated_by = %(updated_by)s, updated_at = %(updated_at)s
    WHERE org_id = %(org_id)s
    """
# Quiet hours of a cap's messages end within days: those of later days are counted when it is their turn.
COUNTED: Final = """
    SELECT message.user_id, message.channel, (message.planned_for AT TIME ZONE person.zone)::date AS day,
        count(*) AS messages
    FROM unnest(%(ids)s::uuid[], %(zones)s::text[]) AS person (id, zone)
    JOIN notification.planned_messages AS message
        ON message.user_id = person.id AND message.planned_for >= %(since)s
    GROUP BY 1, 2, 3
    """
MUTE_ADDRESS: Final = """
    INSERT INTO notification.address_choices (org_id, address_hash, category, created_at)
    VALUES (%(org_id)s, %(address_hash)s, %(category)s, %(at)s)
    ON CONFLICT (org_id, address_hash, category) DO NOTHING
    """
MUTED: Final = """
    SELECT address_hash FROM notification.address_choices
    WHERE org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND category = %(category)s
        AND address_hash = ANY(%(hashes)s::text[])
    """
FORGET_USER: Final = "DELETE FROM notification.user_preferences WHERE user_id = %(id)s"
_A_DAY: Final = timedelta(days=2)  # a local day, however its zone's clock is set, began less than that ago


class PostgresPreferences:
    """Preferences, and what the planner of messages asks about them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_user(self, user_id: UUID) -> UserPreferences:
        """A person's; revision 1 before they chose anything."""
        async with self._database.transaction() as connection:
            row = await one(connection, USER, id=user_id)
        return UserPreferences(**row) if row is not None else UserPreferences(user_id=user_id)

    async def locked_of_user(self, user_id: UUID) -> UserPreferences:
        """The same; nobody else changes them before the transaction under way ends."""
        async with self._database.transaction() as connection:
            await connection.execute(MAKE_USER, {"id": user_id})
            row = await one(connection, LOCK_USER, id=user_id)
        return UserPreferences(**row) if row is not None else UserPreferences(user_id=user_id)

    async def change_user(self, preferences: UserPreferences) -> None:
        """Keep what has changed of them."""
        async with self._database.transaction() as connection:
            changed = {**dict(preferences), "choices": _json(preferences.choices)}
            await connection.execute(CHANGE_USER, changed)

    async def forget_user(self, user_id: UUID) -> None:
        """Delete what somebody chose whose account is gone."""
        async with self._database.transaction() as connection:
            await connection.execute(FORGET_USER, {"id": user_id})

    async def of_organization(self, org_id: UUID) -> OrganizationPreferences:
        """An organization's; revision 1 before anybody chose anything."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, ORGANIZATION, id=org_id)
        return OrganizationPreferences(**row) if row is not None else OrganizationPreferences(org_id=org_id)

    async def locked_of_organization(self, org_id: UUID) -> OrganizationPreferences:
        """The same; nobody else changes them before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(MAKE_ORGANIZATION, {"id": org_id})
            row = await one(connection, LOCK_ORGANIZATION, id=org_id)
        return OrganizationPreferences(**row) if row is not None else OrganizationPreferences(org_id=org_id)

    async def change_organization(self, preferences: OrganizationPreferences) -> None:
        """Keep what has changed of them."""
        async with self._database.transaction(preferences.org_id) as connection:
            changed = {**dict(preferences), "defaults": _json(preferences.defaults)}
            await connection.execute(CHANGE_ORGANIZATION, changed)

    async def choices_of(self, user_ids: Collection[UUID]) -> Mapping[UUID, Choices]:
        """Everybody's choices, also of those who made none; in a transaction of no organization."""
        async with self._database.transaction() as connection:
            rows = await every(connection, CHOICES, ids=[*user_ids])
        return dict.fromkeys(user_ids, Choices()) | {row["user_id"]: Choices(**row["choices"]) for row in rows}

    async def defaults_of(self, org_id: UUID | None) -> Defaults:
        """What an organization chose for its members; nothing where there is no organization."""
        return (await self.of_organization(org_id)).defaults if org_id is not None else Defaults()

    async def counted(
        self, choices: Mapping[UUID, Choices], defaults: Defaults, now: datetime
    ) -> Mapping[UUID, Counted]:
        """What caps have been used up by, from today on, of those who have some; in a transaction of no organization.

        Messages of all their organizations count, but none that is critical or goes into a digest.
        """
        zones = {user_id: str(time_zone(own, defaults)) for user_id, own in choices.items() if own.daily_caps}
        found: defaultdict[UUID, dict[tuple[Channel, date], int]] = defaultdict(dict)
        if zones:
            parameters = {"ids": [*zones], "zones": [*zones.values()], "since": now.astimezone(UTC) - _A_DAY}
            async with self._database.transaction() as connection:
                for row in await every(connection, COUNTED, **parameters):
                    found[row["user_id"]][Channel(row["channel"]), row["day"]] = row["messages"]
        return dict.fromkeys(choices, NOTHING) | found

    async def mute_address(self, org_id: UUID | None, category: Category, address_hash: str, *, at: datetime) -> None:
        """Keep that an address without an account wants no e-mail of a category. Safe to repeat."""
        muted = {"org_id": org_id, "category": category, "address_hash": address_hash, "at": at}
        async with self._database.transaction(org_id) as connection:
            await connection.execute(MUTE_ADDRESS, muted)

    async def muted_addresses(
        self, org_id: UUID | None, category: Category, address_hashes: Collection[str]
    ) -> Collection[str]:
        """Of addresses without an account those that want no e-mail of the category from the organization."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, MUTED, org_id=org_id, category=category, hashes=[*address_hashes])
        return {row["address_hash"] for row in rows}


def _json(chosen: Model) -> Any:  # noqa: ANN401 - psycopg's own wrapper
    return Jsonb(chosen.model_dump(mode="json", exclude_defaults=True))
