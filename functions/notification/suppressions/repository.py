"""Suppressions as the operator sees them, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every, one
from notification.kinds.models import Channel
from notification.suppressions.models import Suppression

PAGE: Final = """
    SELECT id, channel, reason, message_id, created_at FROM notification.suppressions
    WHERE (%(channel)s::text IS NULL OR channel = %(channel)s::text)
        AND (%(address_hash)s::text IS NULL OR address_hash = %(address_hash)s::text)
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(limit)s
    """
REMOVE: Final = """
    DELETE FROM notification.suppressions WHERE id = %(id)s RETURNING id, channel, reason, message_id, created_at
    """


class PostgresSuppressed:
    """Addresses that nothing is sent to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, *, channel: Channel | None, address_hash: str | None, before: UUID | None, limit: int
    ) -> Sequence[Suppression]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        asked = {"channel": channel, "address_hash": address_hash, "before": before, "limit": limit}
        async with self._database.transaction() as connection:
            return [Suppression(**row) for row in await every(connection, PAGE, **asked)]

    async def remove(self, suppression_id: UUID) -> Suppression | None:
        """Remove one; None where there is none."""
        async with self._database.joined(None) as connection:
            row = await one(connection, REMOVE, id=suppression_id)
        return Suppression(**row) if row is not None else None
