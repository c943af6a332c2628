"""What is to be told, in PostgreSQL. Everything raises DatabaseUnavailable."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from llmo_data.inbox import Inbox
from llmo_data.postgres import Database, every, one
from llmo_messaging.envelope import Envelope
from notification.erasing import erase_ended, while_nobody_leaves
from notification.models import Gaps
from notification.planning.models import SECRETS, Notification, Waiting

ADD: Final = """
    INSERT INTO notification.notifications (id, org_id, kind, category, priority, channels, audience, variables,
        dedupe_key, status, send_at, recipients, departing, created_by, created_at, finished_at, expires_at)
    VALUES (%(id)s, %(org_id)s, %(kind)s, %(category)s, %(priority)s, %(channels)s, %(audience)s, %(variables)s,
        %(dedupe_key)s, %(status)s, %(send_at)s, %(recipients)s, %(departing)s, %(created_by)s, %(created_at)s,
        %(finished_at)s, %(expires_at)s)
    ON CONFLICT (org_id, dedupe_key) DO NOTHING
    RETURNING id
    """
DUE: Final = """
    SELECT id, org_id FROM notification.due_notifications
    WHERE send_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    ORDER BY priority, send_at LIMIT %(limit)s
    """
# Whoever comes to an end, for now or for good, leaves no lease: one that is over is of a planner that did not.
LEASE: Final = """
    UPDATE notification.notifications
    SET failures = failures + (leased_until IS NOT NULL)::integer, leased_until = %(until)s, status = 'planning'
    WHERE id = %(id)s AND finished_at IS NULL AND send_at <= %(now)s
        AND (leased_until IS NULL OR leased_until <= %(now)s)
    RETURNING *
    """
ADVANCE: Final = """
    UPDATE notification.notifications
    SET planned_after = %(after)s, recipients = %(recipients)s, leased_until = %(until)s, failures = 0, failure = NULL
    WHERE id = %(id)s AND finished_at IS NULL
    RETURNING *
    """
FINISH: Final = """
    UPDATE notification.notifications
    SET status = 'planned', recipients = %(recipients)s, leased_until = NULL, planned_after = NULL, failure = NULL,
        finished_at = %(now)s
    WHERE id = %(id)s AND finished_at IS NULL
    RETURNING *
    """
# Who reads it in the inbox has it by now.
FORGET_SECRETS: Final = """
    UPDATE notification.notifications SET variables = (variables - 'token' - 'code') || '{"_forgotten": true}'
    WHERE id = %(id)s AND NOT EXISTS (
        SELECT FROM notification.messages WHERE notification_id = %(id)s AND status IN ('queued', 'sending')
    )
    """
# The lease that is over then counts this failure.
FAILED: Final = """
    WITH gap AS (
        SELECT id, CASE WHEN failures + 1 < %(most)s
            THEN %(now)s::timestamptz + least(%(first)s::interval * 2 ^ failures, %(longest)s::interval) END AS until
        FROM notification.notifications WHERE id = %(id)s AND finished_at IS NULL FOR UPDATE
    )
    UPDATE notification.notifications AS notification
    SET failure = %(reason)s, leased_until = until,
        status = CASE WHEN until IS NULL THEN 'failed' ELSE status END,
        finished_at = CASE WHEN until IS NULL THEN %(now)s::timestamptz END,
        variables = CASE WHEN until IS NULL THEN (variables - 'token' - 'code') || '{"_forgotten": true}'
            ELSE variables END
    FROM gap WHERE notification.id = gap.id
    RETURNING until IS NULL AS given_up
    """
RELEASE: Final = """
    UPDATE notification.notifications SET leased_until = NULL WHERE id = %(id)s AND finished_at IS NULL
    """


class PostgresArrivals:
    """Where events arrive."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def new(self, org_id: UUID | None, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        async with self._database.joined(org_id) as connection:
            return await self._inbox.admit(connection, events, now=now)


class PostgresNotifications:
    """What is to be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, notification: Notification) -> bool:
        """Keep one; False, and nothing, where there is one with its dedupe key."""
        row = notification.model_dump(exclude={"planned_after", "failures", "failure"}) | {
            "channels": [*notification.channels],
            "audience": Jsonb(notification.audience.model_dump(mode="json", exclude_defaults=True)),
            "variables": Jsonb(notification.variables, dumps=_dumps),
        }
        async with self._database.joined(notification.org_id) as connection:
            return await one(connection, ADD, **row) is not None

    async def due(self, *, now: datetime, limit: int) -> Sequence[Waiting]:
        """Those that are due and nobody plans, of all organizations, the urgent first."""
        async with self._database.statements() as connection:
            rows = await every(connection, DUE, now=now, limit=limit)
        return [Waiting(row["org_id"], row["id"]) for row in rows]

    async def lease(self, waiting: Waiting, *, now: datetime, until: datetime) -> Notification | None:
        """One that is due, for one planner until then; None when another has it, or it is planned or cancelled."""
        async with self._database.transaction(waiting.org_id) as connection:
            row = await one(connection, LEASE, id=waiting.notification_id, now=now, until=until)
        return notification_of(row) if row is not None else None

    async def advance(
        self, notification: Notification, *, after: str, recipients: int, until: datetime | None
    ) -> Notification | None:
        """Note how far it is planned, for any planner without `until`; what it is by now, None if it was cancelled.

        Nobody leaves before the transaction under way ends, of which this is the first that is done.
        """
        async with self._database.joined(notification.org_id) as connection:
            await while_nobody_leaves(connection, notification.org_id)
            values = {"id": notification.id, "after": after, "recipients": recipients, "until": until}
            row = await one(connection, ADVANCE, **values)
        return notification_of(row) if row is not None else None

    async def finish(self, notification: Notification, *, recipients: int, now: datetime) -> Notification | None:
        """Note that all its messages are there; otherwise as `advance`."""
        async with self._database.joined(notification.org_id) as connection:
            await while_nobody_leaves(connection, notification.org_id)
            row = await one(connection, FINISH, id=notification.id, recipients=recipients, now=now)
        return notification_of(row) if row is not None else None

    async def forget(self, notification: Notification) -> None:
        """Keep nothing that opens something of one that is planned, nor anything of one to who has left."""
        async with self._database.joined(notification.org_id) as connection:
            if SECRETS & notification.variables.keys():
                await connection.execute(FORGET_SECRETS.encode(), {"id": notification.id})
            await erase_ended(connection, notification.id)

    async def failed(self, waiting: Waiting, reason: str, gaps: Gaps, *, now: datetime) -> bool:
        """Note that it could not be planned: it is tried again after a gap; True when it is given up."""
        values = {"id": waiting.notification_id, "reason": reason[:500], "now": now, **gaps._asdict()}
        async with self._database.transaction(waiting.org_id) as connection:
            row = await one(connection, FAILED, **values)
            await erase_ended(connection, waiting.notification_id)
        return row is not None and bool(row["given_up"])

    async def release(self, waiting: Waiting) -> None:
        """Let another planner have one that is leased; nothing is counted against it."""
        async with self._database.transaction(waiting.org_id) as connection:
            await connection.execute(RELEASE, {"id": waiting.notification_id})


def notification_of(row: Mapping[str, Any]) -> Notification:
    """A row of notification.notifications."""
    fields = {name: row[name] for name in Notification.model_fields if name != "planned_after"}
    return Notification(**fields, planned_after=row["planned_after"] or "")


def _dumps(variables: object) -> str:
    """As JSON; ids and moments as text."""
    return json.dumps(variables, default=str)
