"""What is to be sent, in PostgreSQL. Everything raises DatabaseUnavailable."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from llmo_data.postgres import Database
from notification.erasing import erase_final
from notification.kinds.models import Channel
from notification.models import Status
from notification.planning.models import KEPT, Notification, Planned, Recipient, Route

ADD_MESSAGE: Final = """
    INSERT INTO notification.messages (id, org_id, notification_id, kind, category, priority, channel, recipient,
        user_id, address, name, locale, time_zone, status, reason, planned_for, due_at, digest, unless_read, created_at,
        sent_at, updated_at, expires_at, give_up_at, departing)
    VALUES (%(id)s, %(org_id)s, %(notification_id)s, %(kind)s, %(category)s, %(priority)s, %(channel)s, %(recipient)s,
        %(user_id)s, %(address)s, %(name)s, %(locale)s, %(time_zone)s, %(status)s, %(reason)s, %(planned_for)s,
        %(planned_for)s, %(digest)s, %(unless_read)s, %(now)s, %(sent_at)s, %(now)s, %(expires_at)s, %(give_up_at)s,
        %(departed)s OR (SELECT departing FROM notification.notifications WHERE id = %(notification_id)s))
    ON CONFLICT (notification_id, channel, recipient) DO NOTHING
    RETURNING id
    """
FAIL: Final = """
    UPDATE notification.messages SET status = 'failed', reason = %(reason)s, sent_at = NULL, updated_at = %(now)s
    WHERE id = %(id)s
    """
_WORTH_AFTER: Final = timedelta(days=1)
"""How long a message is worth something after it was to be sent, however long it was held for."""


class PostgresMessages:
    """What is to be sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, notification: Notification, planned: Sequence[tuple[UUID, Recipient, Route, Planned]], *, now: datetime
    ) -> Sequence[UUID]:
        """Keep messages under their ids, each recipient's one for each channel; the ids of those that are new."""
        if not planned:
            return []
        common = {
            **notification.model_dump(include={"org_id", "kind", "category", "priority"}),
            "notification_id": notification.id,
            "expires_at": now + KEPT,
            "now": now,
        }
        rows = [common | _message(notification, *each, now=now) for each in planned]
        new = []
        async with self._database.joined(notification.org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(ADD_MESSAGE.encode(), rows, returning=True)
            async for results in cursor.results():
                new += [row["id"] for row in await results.fetchall()]
            await erase_final(connection, new)
        return new

    async def fail(self, org_id: UUID | None, reasons: Mapping[UUID, str], *, now: datetime) -> None:
        """Note why messages cannot be delivered."""
        rows = [{"id": each, "reason": reason[:500], "now": now} for each, reason in reasons.items()]
        async with self._database.joined(org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(FAIL.encode(), rows)


def _message(
    notification: Notification, message_id: UUID, recipient: Recipient, route: Route, planned: Planned, *, now: datetime
) -> dict[str, Any]:
    in_app = planned.channel is Channel.IN_APP
    status = Status.SKIPPED if planned.skipped is not None else Status.DELIVERED if in_app else Status.QUEUED
    return {
        **planned.model_dump(include={"channel", "address", "planned_for", "digest", "unless_read"}),
        "id": message_id,
        "recipient": _key(recipient, planned),
        "user_id": recipient.user_id,
        "name": recipient.name,
        "departed": recipient.departed,
        "locale": route.locale,
        "time_zone": route.time_zone,
        "status": status,
        "reason": planned.skipped,
        "sent_at": now if status is Status.DELIVERED else None,
        "give_up_at": _give_up_at(notification, planned),
    }


def _give_up_at(notification: Notification, planned: Planned) -> datetime:
    """When the message is worth nothing any more; what is held is worth something when it is let go."""
    give_up_at = notification.give_up_at()
    return give_up_at if notification.critical else max(give_up_at, planned.planned_for + _WORTH_AFTER)


def _key(recipient: Recipient, planned: Planned) -> str:
    """Whose messages keep their order: on push those of each device, of which somebody may have several."""
    if planned.channel is not Channel.PUSH or planned.address is None:
        return recipient.key
    return f"{recipient.key}#{hashlib.sha256(planned.address.encode()).hexdigest()[:16]}"
