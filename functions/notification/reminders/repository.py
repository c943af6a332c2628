"""Which API keys will expire, by auth's published view. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every
from notification.reminders.ports import ExpiringKey

WITHIN: Final = """
    SELECT org_id, key_id, name, hint, expires_at FROM auth.admission_expiring_keys
    WHERE expires_at > %(now)s AND expires_at <= %(now)s + %(notice)s AND expires_at - created_at > 2 * %(notice)s
        AND (%(after)s::uuid IS NULL OR key_id > %(after)s::uuid)
    ORDER BY key_id LIMIT %(limit)s
    """


class PostgresExpiringKeys:
    """API keys of all organizations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def within(
        self, notice: timedelta, *, now: datetime, after: UUID | None, limit: int
    ) -> Sequence[ExpiringKey]:
        """Those that expire within a time, and were made to live more than twice as long; in the order of their ids."""
        async with self._database.statements() as connection:
            rows = await every(connection, WITHIN, now=now, notice=notice, after=after, limit=limit)
        return [ExpiringKey(**row) for row in rows]
