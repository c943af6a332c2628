"""Inboxes in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from llmo_data.postgres import Connection, Database, every, one
from notification.inbox.models import Counts, Filter, InboxItem, Mark, Whose
from notification.kinds.models import Category
from notification.rows import name_person

# Row-level security leaves a person's items of the transaction's organization, and those of none.
_ITEMS: Final = "SELECT * FROM notification.inbox_items WHERE user_id = %(user_id)s AND expires_at > %(now)s"
# Each in words that the partial index knows: with `%(unread)s OR ...` it would not be used.
_KEPT: Final[Mapping[tuple[bool, bool], str]] = MappingProxyType(
    {
        (False, False): " AND archived_at IS NULL",
        (True, False): " AND archived_at IS NULL AND read_at IS NULL",
        (False, True): " AND archived_at IS NOT NULL",
        (True, True): " AND archived_at IS NOT NULL AND read_at IS NULL",
    }
)
_PAGE: Final = """
    AND (%(category)s::text IS NULL OR category = %(category)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(limit)s
    """
COUNT: Final = """
    SELECT count(*) AS unread, count(*) FILTER (WHERE seen_at IS NULL) AS unseen
    FROM notification.inbox_items
    WHERE user_id = %(user_id)s AND expires_at > %(now)s AND archived_at IS NULL AND read_at IS NULL
    """
MARK: Final = """
    UPDATE notification.inbox_items
    SET seen_at = CASE WHEN %(seen)s THEN coalesce(seen_at, %(now)s) ELSE seen_at END,
        read_at = CASE %(read)s::boolean WHEN true THEN coalesce(read_at, %(now)s) WHEN false THEN NULL
            ELSE read_at END,
        archived_at = CASE %(archived)s::boolean WHEN true THEN coalesce(archived_at, %(now)s) WHEN false THEN NULL
            ELSE archived_at END
    WHERE id = %(id)s AND user_id = %(user_id)s AND expires_at > %(now)s
    RETURNING *
    """
SEE: Final = """
    UPDATE notification.inbox_items SET seen_at = %(now)s
    WHERE id = ANY(%(ids)s::uuid[]) AND user_id = %(user_id)s AND seen_at IS NULL
    """
READ_ALL: Final = """
    UPDATE notification.inbox_items SET seen_at = coalesce(seen_at, %(now)s), read_at = %(now)s
    WHERE user_id = %(user_id)s AND archived_at IS NULL AND read_at IS NULL AND created_at <= %(until)s
        AND (%(category)s::text IS NULL OR category = %(category)s)
    """
# Naming what the conflict is about would take the right to read other people's items.
ADD: Final = """
    INSERT INTO notification.inbox_items (id, org_id, user_id, notification_id, kind, category, title, body, url,
        created_at, seen_at, read_at, archived_at, expires_at)
    VALUES (%(id)s, %(org_id)s, %(user_id)s, %(notification_id)s, %(kind)s, %(category)s, %(title)s, %(body)s, %(url)s,
        %(created_at)s, %(seen_at)s, %(read_at)s, %(archived_at)s, %(expires_at)s)
    ON CONFLICT DO NOTHING
    """
READ_AMONG: Final = """
    SELECT notification_id FROM notification.inbox_items
    WHERE notification_id = ANY(%(ids)s::uuid[]) AND user_id = %(user_id)s
        AND (read_at IS NOT NULL OR archived_at IS NOT NULL)
    """
FORGET: Final = """
    DELETE FROM notification.inbox_items
    WHERE user_id = %(user_id)s AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
    """

_MARKED: Final[Mapping[Mark, Mapping[str, bool | None]]] = MappingProxyType(
    {
        Mark.SEEN: {"seen": True, "read": None, "archived": None},
        Mark.READ: {"seen": True, "read": True, "archived": None},
        Mark.UNREAD: {"seen": False, "read": False, "archived": None},
        Mark.ARCHIVED: {"seen": True, "read": None, "archived": True},
        Mark.UNARCHIVED: {"seen": False, "read": None, "archived": False},
    }
)


class PostgresInbox:
    """Inboxes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, whose: Whose, wanted: Filter, *, before: UUID | None, limit: int, now: datetime
    ) -> Sequence[InboxItem]:
        """At most `limit`, the newest first, that are older than the one with this id and not expired."""
        statement = _ITEMS + _KEPT[wanted.unread, wanted.archived] + _PAGE
        parameters = {"user_id": whose.user_id, "category": wanted.category, "before": before, "limit": limit}
        async with self._own(whose) as connection:
            return [InboxItem(**row) for row in await every(connection, statement, **parameters, now=now)]

    async def count(self, whose: Whose, *, now: datetime) -> Counts:
        """How many there are."""
        async with self._own(whose) as connection:
            row = await one(connection, COUNT, user_id=whose.user_id, now=now)
        return Counts(**row) if row is not None else Counts(unread=0, unseen=0)

    async def mark(self, whose: Whose, item_id: UUID, mark: Mark, *, now: datetime) -> InboxItem | None:
        """Mark one; None where there is none. Safe to repeat: the first moment stays."""
        async with self._own(whose) as connection:
            row = await one(connection, MARK, **_MARKED[mark], id=item_id, user_id=whose.user_id, now=now)
        return InboxItem(**row) if row is not None else None

    async def mark_seen(self, whose: Whose, item_ids: Collection[UUID], *, now: datetime) -> None:
        """Mark those that there are of these as seen."""
        async with self._own(whose) as connection:
            await connection.execute(SEE, {"user_id": whose.user_id, "ids": [*item_ids], "now": now})

    async def read_all(self, whose: Whose, category: Category | None, *, until: datetime, now: datetime) -> None:
        """Mark what came up to a moment as read, unless it is archived."""
        async with self._own(whose) as connection:
            parameters = {"user_id": whose.user_id, "category": category, "until": until, "now": now}
            await connection.execute(READ_ALL, parameters)

    async def add(self, org_id: UUID | None, items: Sequence[InboxItem]) -> None:
        """Put items of one organization, or of none, into inboxes; nothing where a notification lies already."""
        if not items:
            return
        async with self._database.transaction(org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(ADD, [dict(item) for item in items])

    async def read_among(self, whose: Whose, notification_ids: Collection[UUID]) -> Collection[UUID]:
        """Which of these notifications somebody has read, or put away."""
        async with self._own(whose) as connection:
            rows = await every(connection, READ_AMONG, user_id=whose.user_id, ids=[*notification_ids])
        return {row["notification_id"] for row in rows}

    async def forget(self, whose: Whose) -> None:
        """Delete somebody's items of one organization, or those of none."""
        async with self._own(whose) as connection:
            await connection.execute(FORGET, dict(whose))

    @asynccontextmanager
    async def _own(self, whose: Whose) -> AsyncIterator[Connection]:
        async with self._database.transaction(whose.org_id) as connection:
            await name_person(connection, whose.user_id)
            yield connection
