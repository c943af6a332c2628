"""How long what is due waits, in PostgreSQL. Everything raises DatabaseUnavailable."""

from datetime import datetime, timedelta
from typing import Final

from llmo_data.postgres import Database, one

# The earliest of each organization, channel and priority: each is one look at an index.
OLDEST: Final = """
    WITH RECURSIVE lane AS (
        (
            SELECT channel, priority, tenant, due_at FROM notification.due_messages
            ORDER BY channel, priority, tenant, due_at, id LIMIT 1
        )
        UNION ALL
        SELECT following.channel, following.priority, following.tenant, following.due_at
        FROM lane, LATERAL (
            SELECT channel, priority, tenant, due_at FROM notification.due_messages
            WHERE (channel, priority, tenant) > (lane.channel, lane.priority, lane.tenant)
            ORDER BY channel, priority, tenant, due_at, id LIMIT 1
        ) AS following
    )
    SELECT least(
        (SELECT min(due_at) FROM (SELECT due_at FROM lane LIMIT 10000) AS earliest),
        (
            SELECT min(send_at) FROM notification.due_notifications
            WHERE send_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
        )
    ) AS oldest
    """


class PostgresBacklog:
    """Messages and notifications that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waits(self, *, now: datetime) -> timedelta:
        """How long the one that waits longest is due, of all organizations; nothing when none is."""
        async with self._database.statements() as connection:
            row = await one(connection, OLDEST, now=now)
        oldest = row["oldest"] if row is not None else None
        return max(now - oldest, timedelta()) if oldest is not None else timedelta()
