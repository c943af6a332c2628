"""What is due, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from llmo_data.postgres import Database, every
from notification.delivery.models import Due, Leased, Settled
from notification.erasing import erase_final
from notification.kinds.models import Category, Channel, Priority

# A lane is what an organization has waiting with a priority. Lanes are found one by one, each by one look at the index:
# in each priority from somewhere on, and from the first one up to there, in step. After so many in which something is
# due the others have their turn the next time, from somewhere else on; those in which nothing is keep nobody from it.
# Of each lane no more is read than its share of a round, twice over, since others may have less than theirs.
DUE: Final = """
    WITH RECURSIVE walk AS (
        SELECT priority, half, CASE half WHEN 1 THEN %(start)s::uuid ELSE %(first)s::uuid END AS low,
            CASE half WHEN 1 THEN %(last)s::uuid ELSE %(start)s::uuid END AS high
        FROM unnest(%(priorities)s::smallint[]) AS priority, generate_series(1, 2) AS half
    ), lane AS (
        SELECT walk.priority, walk.high, earliest.tenant, earliest.due_at
        FROM walk, LATERAL (
            SELECT tenant, due_at FROM notification.due_messages
            WHERE channel = %(channel)s AND priority = walk.priority AND tenant >= walk.low AND tenant < walk.high
            ORDER BY priority, tenant, due_at, id LIMIT 1
        ) AS earliest
        UNION ALL
        SELECT lane.priority, lane.high, following.tenant, following.due_at
        FROM lane, LATERAL (
            SELECT tenant, due_at FROM notification.due_messages
            WHERE channel = %(channel)s AND priority = lane.priority AND tenant > lane.tenant AND tenant < lane.high
            ORDER BY priority, tenant, due_at, id LIMIT 1
        ) AS following
    ), found AS MATERIALIZED (
        SELECT priority, tenant FROM lane WHERE due_at <= %(now)s LIMIT %(lanes)s
    ), shared AS (
        SELECT priority, tenant, least(%(limit)s, 1 + 2 * %(limit)s / count(*) OVER (PARTITION BY priority)) AS share
        FROM found
    )
    SELECT due.id, due.org_id
    FROM shared, LATERAL (
        SELECT id, org_id, due_at, row_number() OVER () AS turn
        FROM (
            SELECT id, org_id, due_at FROM notification.due_messages
            WHERE channel = %(channel)s AND priority = shared.priority AND tenant = shared.tenant
                AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s) AND id <> ALL(%(besides)s)
            ORDER BY due_at, id LIMIT shared.share
        ) AS earliest
    ) AS due
    ORDER BY shared.priority, due.turn, due.due_at, due.id LIMIT %(limit)s
    """
MOST_LANES: Final = 400
"""Twice as many as a round has messages."""
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)  # which nobody has
# Whatever the database knows of how much waits: without a choice it goes by the indexes that are there for this.
IN_ORDER: Final = """
    SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true),
        set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
    """
# In the order of ids, so that two senders wait for each other and never both for one another.
LEASE: Final = """
    WITH free AS (
        SELECT id, status = 'sending' AS interrupted FROM notification.messages
        WHERE id = ANY(%(ids)s) AND status IN ('queued', 'sending')
            AND (leased_until IS NULL OR leased_until <= %(now)s)
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE notification.messages AS message
    SET status = 'sending', leased_until = %(until)s, updated_at = %(now)s,
        attempts = attempts + free.interrupted::integer
    FROM free, notification.notifications AS notification
    WHERE message.id = free.id AND notification.id = message.notification_id
    RETURNING message.id, message.org_id, message.notification_id, message.kind, message.category, message.priority,
        message.channel, message.recipient, message.user_id, message.address, message.name, message.locale,
        message.time_zone, message.attempts, message.give_up_at, notification.variables, free.interrupted,
        message.unless_read,
        coalesce(
            (SELECT organization FROM auth.admission_people WHERE org_id = message.org_id LIMIT 1),
            (SELECT organization FROM auth.admission_last_owners WHERE org_id = message.org_id LIMIT 1)
        ) AS organization
    """
INTERRUPTED: Final = """
    INSERT INTO notification.attempts (message_id, number, org_id, provider, started_at, ended_at, outcome, reason)
    SELECT id, attempts, org_id, coalesce(provider, 'unknown'), updated_at, %(now)s, 'unknown', 'The sender died.'
    FROM notification.messages WHERE id = ANY(%(ids)s)
    ON CONFLICT (message_id, number) DO NOTHING
    """
# A receipt may have come before the note of what it is about.
SETTLE: Final = """
    UPDATE notification.messages
    SET status = CASE WHEN status IN ('queued', 'sending') THEN %(status)s ELSE status END,
        reason = CASE WHEN status IN ('queued', 'sending') THEN %(reason)s ELSE reason END,
        due_at = coalesce(%(due_at)s, due_at), attempts = %(attempts)s, leased_until = NULL, updated_at = %(now)s,
        provider = coalesce(%(provider)s, provider), provider_id = coalesce(%(provider_id)s, provider_id),
        cost = coalesce(%(cost)s, cost), cost_currency = coalesce(%(currency)s, cost_currency),
        sent_at = CASE WHEN %(outcome)s::text = 'sent' THEN coalesce(sent_at, %(now)s) ELSE sent_at END
    WHERE id = %(message_id)s
        AND (%(status)s <> 'queued' OR attempts = coalesce(%(leased_attempts)s, attempts))
    """
ATTEMPTED: Final = """
    INSERT INTO notification.attempts
        (message_id, number, org_id, provider, started_at, ended_at, outcome, provider_id, reason)
    VALUES (%(message_id)s, %(attempts)s, %(org_id)s, %(provider)s, %(started_at)s, %(now)s, %(outcome)s,
        %(provider_id)s, %(reason)s)
    ON CONFLICT (message_id, number) DO NOTHING
    """
# What opens something is of no use any more once everybody has it; those that are not planned yet are still to get it.
FORGET: Final = """
    UPDATE notification.notifications AS notification
    SET variables = (variables - 'token' - 'code') || '{"_forgotten": true}'
    WHERE id IN (SELECT notification_id FROM notification.messages WHERE id = ANY(%(ids)s))
        AND (variables ? 'token' OR variables ? 'code') AND finished_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM notification.messages WHERE notification_id = notification.id
                AND status IN ('queued', 'sending')
        )
    """


class PostgresDeliveries:
    """What is due.

    Args:
        start: From which organization on lanes are looked for; another one each time.
    """

    def __init__(self, database: Database, *, start: Callable[[], UUID] = uuid4) -> None:
        self._database = database
        self._start = start

    async def due(self, channel: Channel, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Due]:
        """Messages that are due and that no sender has: the urgent first, then of each organization in turn.

        Where more than four hundred organizations have something, those are looked at from another one on each time.
        """
        wanted = {"channel": channel, "now": now, "besides": [*besides], "limit": limit, "lanes": MOST_LANES}
        async with self._database.transaction() as connection:
            await connection.execute(IN_ORDER)
            rows = await every(connection, DUE, **wanted, **circle(self._start()))
        return [Due(row["org_id"], row["id"]) for row in rows]

    async def lease(
        self, org_id: UUID | None, message_ids: Sequence[UUID], *, now: datetime, until: datetime
    ) -> Sequence[Leased]:
        """Those of the messages that no other sender has meanwhile, for this one until then."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, LEASE, ids=[*message_ids], now=now, until=until)
            interrupted = [row["id"] for row in rows if row["interrupted"]]
            if interrupted:
                await connection.execute(INTERRUPTED.encode(), {"ids": interrupted, "now": now})
        leased = {row["id"]: _leased(row) for row in rows}
        return [leased[each] for each in message_ids if each in leased]

    async def settle(self, org_id: UUID | None, settled: Sequence[Settled], *, now: datetime) -> None:
        """Keep what became of messages. What a provider has told of one meanwhile counts more."""
        # In the order of ids, as receipts are taken: who keeps the one never waits for who keeps the other in a circle.
        rows = [_row(each, org_id, now) for each in sorted(settled, key=lambda each: each.message_id)]
        tried = [row for row in rows if row["outcome"] is not None]
        async with self._database.transaction(org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(SETTLE.encode(), rows)
            if tried:
                await cursor.executemany(ATTEMPTED.encode(), tried)
            await cursor.execute(FORGET.encode(), {"ids": [each.message_id for each in settled]})
            await erase_final(connection, [each.message_id for each in settled])


def circle(start: UUID) -> dict[str, Any]:
    """Where `DUE` begins to look for lanes, and what there is to look at."""
    return {"start": start, "first": _FIRST, "last": _LAST, "priorities": [*Priority]}


def _leased(row: Mapping[str, Any]) -> Leased:
    typed = {
        "priority": Priority(row["priority"]),
        "channel": Channel(row["channel"]),
        "category": Category(row["category"]),
    }
    return Leased(**{**row, **typed})


def _row(settled: Settled, org_id: UUID | None, now: datetime) -> dict[str, Any]:
    names = (
        "message_id", "status", "reason", "due_at", "attempts", "provider", "outcome", "provider_id", "cost",
        "currency", "started_at", "leased_attempts",
    )  # fmt: skip
    return {name: getattr(settled, name) for name in names} | {"org_id": org_id, "now": now}
