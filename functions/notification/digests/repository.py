"""Messages that wait for digests, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every
from notification.digests.models import DueDigest, Gathered
from notification.erasing import while_nobody_leaves
from notification.kinds.models import Category
from notification.models import Gaps

# What waits longest is looked at first, and no more than so much of it.
DUE: Final = """
    SELECT org_id, user_id, digest
    FROM (
        SELECT org_id, user_id, digest, due_at FROM notification.due_digests
        WHERE due_at <= %(now)s ORDER BY due_at LIMIT %(most)s
    ) AS waiting
    GROUP BY org_id, user_id, digest ORDER BY min(due_at) LIMIT %(limit)s
    """
_MOST_LOOKED_AT: Final = 5000
# Variables are large, and somebody may be told anything ten thousand times a day: only those that are shown are read.
GATHERED: Final = """
    WITH gathered AS (
        SELECT id, notification_id, org_id, kind, category, address, name, locale, time_zone
        FROM notification.messages
        WHERE user_id = %(user_id)s AND digest = %(digest)s AND status = 'queued' AND address IS NOT NULL
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), numbered AS (
        SELECT *, row_number() OVER (ORDER BY id) AS number FROM gathered
    )
    SELECT message.id, message.kind, message.category, message.address, message.name, message.locale,
        message.time_zone, coalesce(notification.variables, '{}') AS variables,
        (SELECT organization FROM auth.admission_people WHERE org_id = message.org_id LIMIT 1) AS organization
    FROM numbered AS message
    LEFT JOIN notification.notifications AS notification
        ON notification.id = message.notification_id AND message.number <= %(shown)s
    ORDER BY message.id
    """
DIGESTED: Final = """
    UPDATE notification.messages SET status = 'digested', updated_at = %(now)s WHERE id = ANY(%(ids)s)
    """
POSTPONE: Final = """
    UPDATE notification.messages
    SET attempts = attempts + 1, updated_at = %(now)s, reason = %(reason)s,
        due_at = %(now)s + least(%(first)s::interval * 2 ^ attempts, %(longest)s::interval),
        status = CASE WHEN attempts + 1 >= %(most)s THEN 'failed' ELSE status END
    WHERE user_id = %(user_id)s AND digest = %(digest)s AND status = 'queued' AND due_at <= %(now)s
    """


class PostgresDigests:
    """Messages that wait for digests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, *, now: datetime, limit: int) -> Sequence[DueDigest]:
        """Digests that are to go, of all organizations."""
        async with self._database.statements() as connection:
            rows = await every(connection, DUE, now=now, limit=limit, most=_MOST_LOOKED_AT)
        return [DueDigest(**row) for row in rows]

    async def gathered(self, due: DueDigest, *, shown: int) -> Sequence[Gathered]:
        """What waits for one, in order, the first ones with their variables; nobody else has it meanwhile.

        Nobody leaves, either, before the transaction under way ends, of which this is the first that is done.
        """
        async with self._database.joined(due.org_id) as connection:
            await while_nobody_leaves(connection, due.org_id)
            rows = await every(connection, GATHERED, user_id=due.user_id, digest=due.digest, shown=shown)
        return [Gathered(**row | {"category": Category(row["category"])}) for row in rows]

    async def postpone(self, due: DueDigest, reason: str, gaps: Gaps, *, now: datetime) -> None:
        """Note that one could not be made: it is tried again after a gap, or given up."""
        async with self._database.transaction(due.org_id) as connection:
            values = {"user_id": due.user_id, "digest": due.digest, "reason": reason[:500], "now": now}
            await connection.execute(POSTPONE.encode(), values | gaps._asdict())

    async def digested(self, org_id: UUID | None, message_ids: Sequence[UUID], *, now: datetime) -> None:
        """Note that messages are parts of a digest now."""
        async with self._database.joined(org_id) as connection:
            await connection.execute(DIGESTED, {"ids": [*message_ids], "now": now})
