"""The transactional outbox: an event is kept with the rows it tells of, in one commit, and published after it.

Each service's schema has a table `outbox` (functions/migrate/tables.py). The transaction that changes an aggregate
inserts its events; right after the commit the same process publishes them and deletes the rows. What it could not
publish, because the bus or the process was down, is published by the relay.

Promises: an event is published if and only if its transaction was committed; at least once; and the events of one
aggregate in the order of their commits. Any number of publishers may run at once.
Source of the pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_core.trace import current_traceparent
from llmo_data.postgres import Connection, Database
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope, Event

# Whoever inserts waits for the aggregate's other transactions, so that positions are in the order of commits.
_LOCK_AGGREGATE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_INSERT = """
    INSERT INTO {outbox} (event_id, org_id, aggregate_id, envelope, created_at)
    VALUES (%(event_id)s, %(org_id)s, %(aggregate_id)s, %(envelope)s, %(created_at)s)
    """
# Whoever holds the lock on an aggregate's first event is the only one who publishes the aggregate's events: every
# other publisher skips it, and sees no later event as the first one until this one is deleted.
_CLAIM = """
    SELECT head.aggregate_id
    FROM {outbox} AS head
    WHERE (%(aggregate_id)s::uuid IS NULL OR head.aggregate_id = %(aggregate_id)s)
        AND NOT EXISTS (
            SELECT FROM {outbox} AS earlier
            WHERE earlier.aggregate_id = head.aggregate_id AND earlier.position < head.position
        )
    ORDER BY head.position
    LIMIT %(limit)s
    FOR UPDATE OF head SKIP LOCKED
    """
_EVENTS = """
    SELECT position, aggregate_id, envelope
    FROM {outbox}
    WHERE aggregate_id = ANY(%(aggregates)s)
    ORDER BY position
    LIMIT %(limit)s
    """
_DELETE = "DELETE FROM {outbox} WHERE position = ANY(%(positions)s)"
_BACKLOG = "SELECT count(*) AS events, min(created_at) AS oldest FROM {outbox}"


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one pass over an outbox did.

    Attributes:
        published: How many events the bus took.
        failed: How many aggregates have an event that it did not take.
    """

    published: int
    failed: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in an outbox: how many events, and for how long the oldest of them."""

    events: int
    age: timedelta


class OutboxRelay:
    """Publishes what one schema's outbox holds.

    Args:
        database: Sees the rows to publish: all of them as `llmo_relay`, one organization's as the service's own role.
        schema: The service's schema.
        bus: Gives the bus, at the first event that is to be published.
        batch: The most events of one pass. They are published in one transaction, which holds their rows.
    """

    def __init__(self, *, database: Database, schema: str, bus: Callable[[], EventBus], batch: int = 500) -> None:
        self._database = database
        self._schema = schema
        self._bus = bus
        self._batch = batch

    async def publish(self, *, org_id: UUID | None = None, aggregate_id: UUID | None = None) -> Relayed:
        """Publish up to a batch of waiting events, of one aggregate or of all, and delete those that the bus took.

        An aggregate's later events wait for its earlier ones. When the process dies in between, they are published
        again. Raises DatabaseUnavailable.
        """
        async with self._database.transaction(org_id) as connection:
            waiting = await self._claim(connection, aggregate_id)
            outcomes = await asyncio.gather(*(self._publish_in_order(events) for events in waiting))
            published = [position for positions in outcomes for position in positions]
            if published:
                await connection.execute(_in(self._schema, _DELETE), {"positions": published})
        failed = sum(len(done) < len(events) for done, events in zip(outcomes, waiting, strict=True))
        return Relayed(len(published), failed)

    async def backlog(self, now: datetime) -> Backlog:
        """What waits, as of now."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_in(self._schema, _BACKLOG))).fetchone()
        if row is None or row["oldest"] is None:
            return Backlog(0, timedelta())
        return Backlog(row["events"], max(now - row["oldest"], timedelta()))

    async def _claim(
        self, connection: Connection, aggregate_id: UUID | None
    ) -> Sequence[Sequence[tuple[int, Envelope]]]:
        limits = {"aggregate_id": aggregate_id, "limit": self._batch}
        heads = await (await connection.execute(_in(self._schema, _CLAIM), limits)).fetchall()
        if not heads:
            return []
        claimed = {"aggregates": [head["aggregate_id"] for head in heads], "limit": self._batch}
        rows = await (await connection.execute(_in(self._schema, _EVENTS), claimed)).fetchall()
        events: dict[UUID, list[tuple[int, Envelope]]] = defaultdict(list)
        for row in rows:
            events[row["aggregate_id"]].append((row["position"], Envelope.model_validate_json(row["envelope"])))
        return list(events.values())

    async def _publish_in_order(self, events: Sequence[tuple[int, Envelope]]) -> Sequence[int]:
        """The positions that were published; the first failure ends it."""
        published = []
        for position, event in events:
            try:
                await self._bus().publish([event])
            except PublishFailed as error:
                logger().warning(
                    "event left in the outbox",
                    extra={"schema": self._schema, "event_id": str(event.id), "reason": str(error)},
                )
                break
            published.append(position)
        return published


class Outbox:
    """Where the use cases of one service announce what happened.

    Args:
        database: The service's own.
        schema: The service's schema.
        bus: Gives the bus, at the first event that is to be published.
        clock: The time of events.
        new_id: The ids of events.
        patience_seconds: How long a request waits for the bus after its commit; then the relay takes over.
    """

    def __init__(
        self,
        *,
        database: Database,
        schema: str,
        bus: Callable[[], EventBus],
        clock: Clock,
        new_id: NewId,
        patience_seconds: float = 1.0,
    ) -> None:
        self._database = database
        self._schema = schema
        self._clock = clock
        self._new_id = new_id
        self._patience = patience_seconds
        self._relay = OutboxRelay(database=database, schema=schema, bus=bus)

    async def announce(self, event: Event, *, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Keep an event in the task's transaction, and publish it once that is committed.

        Without a transaction under way it is kept in one of its own. The events of one aggregate are ordered: a
        transaction waits here for others that announced something of the same aggregate. One that announces for
        several aggregates should always do so in the same order, lest two wait for each other.
        """
        now = self._clock.now()
        envelope = Envelope.of(
            event, event_id=self._new_id(), org_id=org_id, time=now, traceparent=current_traceparent()
        )
        async with self._database.joined(org_id) as connection:
            await connection.execute(_LOCK_AGGREGATE, (str(aggregate_id),))
            row = {
                "event_id": envelope.id,
                "org_id": org_id,
                "aggregate_id": aggregate_id,
                "envelope": envelope.to_json(),
                "created_at": now,
            }
            await connection.execute(_in(self._schema, _INSERT), row)
            self._database.after_commit((self, aggregate_id), lambda: self._publish(org_id, aggregate_id))

    async def _publish(self, org_id: UUID | None, aggregate_id: UUID) -> None:
        """Publish what is committed; whatever keeps it from that, the relay does it within a minute or two."""
        try:
            async with asyncio.timeout(self._patience):
                await self._relay.publish(org_id=org_id, aggregate_id=aggregate_id)
        except (TimeoutError, Unavailable) as error:
            logger().warning("events left to the relay", extra={"schema": self._schema, "reason": repr(error)})


def _in(schema: str, statement: LiteralString) -> sql.Composed:
    return sql.SQL(statement).format(outbox=sql.Identifier(schema, "outbox"))
