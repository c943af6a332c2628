"""Notifications and messages as their organization sees them. Everything raises DatabaseUnavailable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from llmo_data.postgres import Database, every, one
from notification.erasing import AUDIENCE_WITHOUT, NAMES, erase_ended, erase_final, while_nothing_is_added
from notification.models import Status
from notification.planning.models import Notification
from notification.planning.repository import PostgresNotifications, notification_of
from notification.requests.models import Attempt, Listed, Message, Receipt, Search

BY_KEY: Final = """
    SELECT * FROM notification.notifications WHERE org_id = %(org_id)s AND dedupe_key = %(dedupe_key)s
    """
# Audiences and variables are large.
PAGE: Final = """
    SELECT id, kind, category, priority, channels, status, send_at, recipients, created_at, finished_at, failure
    FROM notification.notifications
    WHERE org_id = %(org_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s
    """
ONE: Final = "SELECT * FROM notification.notifications WHERE org_id = %(org_id)s AND id = %(id)s"
COUNTS: Final = """
    SELECT status, count(*) AS messages FROM notification.messages
    WHERE org_id = %(org_id)s AND notification_id = %(id)s GROUP BY status
    """
CANCEL: Final = """
    UPDATE notification.notifications SET status = 'cancelled', finished_at = %(now)s, leased_until = NULL
    WHERE org_id = %(org_id)s AND id = %(id)s AND finished_at IS NULL
    RETURNING id
    """
CANCEL_MESSAGES: Final = """
    UPDATE notification.messages SET status = 'cancelled', updated_at = %(now)s
    WHERE org_id = %(org_id)s AND notification_id = %(id)s AND status = 'queued'
    RETURNING id
    """
_MESSAGES: Final = """
    SELECT id, notification_id, kind, category, channel, user_id, address, locale, status, reason, planned_for, due_at,
        attempts, provider, provider_id, cost, cost_currency, created_at, sent_at, updated_at
    FROM notification.messages
    WHERE org_id = %(org_id)s
    """
MESSAGE_PAGE: Final = (
    _MESSAGES
    + """
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
        AND (%(notification_id)s::uuid IS NULL OR notification_id = %(notification_id)s::uuid)
        AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s::uuid)
        AND (%(address)s::text IS NULL OR address_key = lower(%(address)s::text))
        AND (%(channel)s::text IS NULL OR channel = %(channel)s::text)
        AND (%(status)s::text IS NULL OR status = %(status)s::text)
        AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
    ORDER BY id DESC LIMIT %(limit)s
    """
)
MESSAGE: Final = _MESSAGES + " AND id = %(id)s"
ATTEMPTS: Final = """
    SELECT number, provider, started_at, ended_at, outcome, provider_id, reason FROM notification.attempts
    WHERE message_id = %(id)s ORDER BY number
    """
RECEIPTS: Final = """
    SELECT provider, status, reason, occurred_at FROM notification.receipts
    WHERE message_id = %(id)s ORDER BY occurred_at, event_id LIMIT 100
    """
RESEND: Final = """
    UPDATE notification.messages AS message
    SET status = 'queued', reason = NULL, due_at = %(now)s, leased_until = NULL, provider = NULL, provider_id = NULL,
        give_up_at = %(until)s, updated_at = %(now)s
    FROM notification.notifications AS notification
    WHERE message.org_id = %(org_id)s AND message.id = %(id)s AND notification.id = message.notification_id
        AND message.status NOT IN ('queued', 'sending', 'digested', 'skipped') AND message.address IS NOT NULL
        AND notification.variables -> '_forgotten' IS NULL
    RETURNING message.id
    """
ERASE: Final = f"""
    WITH erased AS (
        UPDATE notification.messages
        SET address = NULL, name = NULL, reason = NULL, departing = true, erased = true,
            -- Of who has no account it is the address, too; of anybody else it keeps them from being told once more.
            recipient = CASE WHEN user_id IS NULL THEN id::text ELSE recipient END,
            status = CASE WHEN status IN ('queued', 'sending') THEN 'cancelled' ELSE status END
        WHERE org_id = %(org_id)s AND (user_id = %(user_id)s::uuid OR address_key = lower(%(address)s::text))
        RETURNING id, notification_id
    ), forgotten AS (
        UPDATE notification.notifications SET variables = '{{"_forgotten": true}}', audience = '{{}}'
        WHERE org_id = %(org_id)s AND recipients <= 1 AND id IN (SELECT notification_id FROM erased)
            AND finished_at IS NOT NULL
    ), attempted AS (
        UPDATE notification.attempts SET reason = NULL WHERE message_id IN (SELECT id FROM erased)
    ), told AS (
        UPDATE notification.receipts SET reason = NULL WHERE message_id IN (SELECT id FROM erased)
    ), listed AS (
        UPDATE notification.notifications SET audience = {AUDIENCE_WITHOUT}
        WHERE org_id = %(org_id)s AND (recipients > 1 OR finished_at IS NULL) AND {NAMES}
    )
    SELECT count(*) AS messages FROM erased
    """  # noqa: S608 - of ours


class PostgresRequested(PostgresNotifications):
    """Notifications, as their organization sees them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._requests = database

    async def by_key(self, org_id: UUID, dedupe_key: str) -> Notification | None:
        """The one with this dedupe key."""
        async with self._requests.joined(org_id) as connection:
            row = await one(connection, BY_KEY, org_id=org_id, dedupe_key=dedupe_key)
        return notification_of(row) if row is not None else None

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Listed]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        async with self._requests.transaction(org_id) as connection:
            rows = await every(connection, PAGE, org_id=org_id, before=before, limit=limit)
        return [Listed(**row) for row in rows]

    async def find(self, org_id: UUID, notification_id: UUID) -> Notification | None:
        """The one with this id."""
        async with self._requests.joined(org_id) as connection:
            row = await one(connection, ONE, org_id=org_id, id=notification_id)
        return notification_of(row) if row is not None else None

    async def counts(self, org_id: UUID, notification_id: UUID) -> Mapping[Status, int]:
        """How many of its messages are how far."""
        async with self._requests.joined(org_id) as connection:
            rows = await every(connection, COUNTS, org_id=org_id, id=notification_id)
        return {Status(row["status"]): row["messages"] for row in rows}

    async def cancel(self, org_id: UUID, notification_id: UUID, *, now: datetime) -> bool:
        """Plan no more of it, and send nothing of it that waits; False when nothing was left of it."""
        async with self._requests.joined(org_id) as connection:
            planned_no_more = await one(connection, CANCEL, org_id=org_id, id=notification_id, now=now)
            sent_no_more = await every(connection, CANCEL_MESSAGES, org_id=org_id, id=notification_id, now=now)
            await erase_final(connection, [row["id"] for row in sent_no_more])
            await erase_ended(connection, notification_id)
        return planned_no_more is not None or bool(sent_no_more)


class PostgresSentMessages:
    """Messages, as their organization sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, search: Search, *, before: UUID | None, limit: int) -> Sequence[Message]:
        """At most `limit`, the newest first, that are older than the one with this id."""
        looked_for = {"org_id": org_id, "before": before, "limit": limit, **dict(search)}
        async with self._database.transaction(org_id) as connection:
            return [_message(row) for row in await every(connection, MESSAGE_PAGE, **looked_for)]

    async def find(self, org_id: UUID, message_id: UUID) -> Message | None:
        """The one with this id."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, MESSAGE, org_id=org_id, id=message_id)
        return _message(row) if row is not None else None

    async def history(self, org_id: UUID, message_id: UUID) -> tuple[Sequence[Attempt], Sequence[Receipt]]:
        """How it was tried to send it, and what providers told of it, in order."""
        async with self._database.joined(org_id) as connection:
            attempts = await every(connection, ATTEMPTS, id=message_id)
            receipts = await every(connection, RECEIPTS, id=message_id)
        return [Attempt(**row) for row in attempts], [Receipt(**row) for row in receipts]

    async def resend(self, org_id: UUID, message_id: UUID, *, now: datetime, until: datetime) -> bool:
        """Let it be sent again; False when it waits or is on its way, or nothing is kept of what it said."""
        async with self._database.joined(org_id) as connection:
            return await one(connection, RESEND, org_id=org_id, id=message_id, now=now, until=until) is not None

    async def erase(self, org_id: UUID, *, user_id: UUID | None, address: str | None) -> int:
        """Forget who messages went to and what they said; how many those were."""
        async with self._database.joined(org_id) as connection:
            await while_nothing_is_added(connection, org_id)
            row = await one(connection, ERASE, org_id=org_id, user_id=user_id, address=address)
        return int(row["messages"]) if row is not None else 0


def _message(row: Mapping[str, Any]) -> Message:
    return Message(**row)
