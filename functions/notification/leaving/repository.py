"""Forgetting whom messages went to, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every
from notification.erasing import AUDIENCE_WITHOUT, NAMES, erase_final, while_nothing_is_added
from notification.leaving.models import Departed

# What is critical is told once more, to nobody but them; of anything else they are no recipients any more.
UNLIST: Final = f"""
    WITH listing AS (
        SELECT id, priority = 0 AS critical, {AUDIENCE_WITHOUT} AS others
        FROM notification.notifications
        WHERE org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND finished_at IS NULL AND NOT departing
            AND ({NAMES} OR (org_id IS NULL AND created_by = %(user_id)s::uuid))
    ), unlisting AS (
        SELECT id, critical, others,
            NOT critical AND (others - 'anybody') <@ '{{"user_ids": [], "phones": [], "addresses": []}}' AS nobody
        FROM listing
    )
    UPDATE notification.notifications AS notification
    SET departing = critical, audience = CASE WHEN critical THEN audience ELSE others END,
        status = CASE WHEN nobody AND recipients = 0 THEN 'cancelled' ELSE status END,
        finished_at = CASE WHEN nobody AND recipients = 0 THEN %(now)s::timestamptz END,
        variables = CASE WHEN nobody AND recipients = 0 THEN '{{"_forgotten": true}}' ELSE variables END
    FROM unlisting WHERE notification.id = unlisting.id
    """  # noqa: S608 - of ours
# What is about a person and no organization is theirs, also where it went to another address: it has no other reader.
DEPART: Final = """
    UPDATE notification.messages
    SET departing = true, updated_at = %(now)s,
        status = CASE WHEN status IN ('queued', 'sending') AND priority > 0 AND NOT departing THEN 'cancelled'
            ELSE status END
    WHERE org_id IS NOT DISTINCT FROM %(org_id)s::uuid AND NOT erased AND id IN (
        SELECT id FROM notification.messages WHERE user_id = %(user_id)s
        UNION SELECT id FROM notification.messages WHERE address_key = lower(%(address)s::text)
        UNION SELECT id FROM notification.messages WHERE org_id IS NULL AND notification_id IN (
            SELECT notification_id FROM notification.messages WHERE org_id IS NULL AND user_id = %(user_id)s
            UNION SELECT id FROM notification.notifications WHERE org_id IS NULL AND created_by = %(user_id)s
        )
    )
    RETURNING id, notification_id
    """
UNLIST_SENT: Final = f"""
    UPDATE notification.notifications SET audience = {AUDIENCE_WITHOUT}
    WHERE id = ANY(%(ids)s) AND finished_at IS NOT NULL AND NOT departing AND {NAMES}
    """  # noqa: S608 - of ours
ORGANIZATIONS: Final = """
    SELECT org_id FROM notification.organizations_that_wrote_to(%(user_id)s, %(address)s) AS org_id ORDER BY org_id
    """


class PostgresDepartures:
    """What was sent to people who have left, and what is to be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, org_id: UUID | None, departed: Departed, *, now: datetime) -> None:
        """Erase what is known of somebody from one organization's, or those of none; safe to repeat.

        What still waits is not sent, but for what is critical and farewells: these are erased once they were sent. It
        has to be the first that a transaction does for the organization: nothing is added to it afterwards.
        """
        whose = {"org_id": org_id, "user_id": departed.user_id, "address": departed.email, "now": now}
        async with self._database.joined(org_id) as connection:
            await while_nothing_is_added(connection, org_id)
            await connection.execute(UNLIST.encode(), whose)
            rows = await every(connection, DEPART, **whose)
            await erase_final(connection, [row["id"] for row in rows])
            notification_ids = [*{row["notification_id"] for row in rows}]
            await connection.execute(UNLIST_SENT.encode(), whose | {"ids": notification_ids})

    async def organizations(self, departed: Departed) -> Sequence[UUID]:
        """Those that have written to somebody, or are going to."""
        async with self._database.statements() as connection:
            rows = await every(connection, ORGANIZATIONS, user_id=departed.user_id, address=departed.email)
        return [row["org_id"] for row in rows]
