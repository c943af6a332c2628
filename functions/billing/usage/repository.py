"""Usage in PostgreSQL: events, what meters count of them, and the months that they are kept by."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from billing.metering.aggregates import Count, Max, Sum, Unique
from billing.metering.meters import LLM_CALL, Meter
from billing.pricing.components import NOTHING
from billing.usage.counting import SlotCount
from billing.usage.models import KeptEvent, ListedEvents, MeterInUse
from llmo_core.money import decimal_text
from llmo_data.inbox import Inbox
from llmo_data.postgres import Connection, Database, every, one
from llmo_messaging.envelope import Envelope

UNREPORTED: Final = """
    INSERT INTO billing.reported_usage (org_id, reported_id, expires_at)
    SELECT %(org_id)s, id, %(expires_at)s FROM unnest(%(ids)s::text[]) AS id ORDER BY id
    ON CONFLICT (org_id, reported_id) DO NOTHING
    RETURNING reported_id
    """
# A meter never changes: what this process has read once is not read again.
METERS: Final = """
    SELECT id, CASE WHEN id <> ALL(%(known)s) THEN definition END AS definition FROM billing.meters
    WHERE org_id = %(operator_id)s AND definition ->> 'event' = ANY(%(names)s)
    ORDER BY id
    """
# In binary, because texts in arrays of texts are quoted twice.
ADD_EVENTS: Final = """
    INSERT INTO billing.usage_events (org_id, event_id, name, reported_id, occurred_at, received_at, fields)
    SELECT %(org_id)s, event.id, event.name, event.reported_id, event.occurred_at, %(received_at)s,
        event.fields::jsonb
    FROM unnest(%(ids)b::uuid[], %(names)b::text[], %(reported_ids)b::text[], %(moments)b::timestamptz[],
        %(fields)b::text[]) AS event (id, name, reported_id, occurred_at, fields)
    """
# Sorted, here and below, so that two transactions that meet wait for each other and never both for one another.
ADD_COUNTS: Final = """
    INSERT INTO billing.usage_counts AS kept (org_id, meter_id, slot, total, events, largest)
    SELECT %(org_id)s, added.meter_id, added.slot, added.total, added.events, added.largest
    FROM unnest(%(meter_ids)s::uuid[], %(slots)s::timestamptz[], %(totals)s::numeric[], %(events)s::bigint[],
        %(largest)s::numeric[]) AS added (meter_id, slot, total, events, largest)
    ORDER BY added.meter_id, added.slot
    ON CONFLICT (org_id, meter_id, slot) DO UPDATE
    SET total = kept.total + excluded.total, events = kept.events + excluded.events,
        largest = greatest(kept.largest, excluded.largest)
    """
ADD_VALUES: Final = """
    INSERT INTO billing.usage_values (org_id, meter_id, slot, value)
    SELECT %(org_id)s, added.meter_id, added.slot, added.value
    FROM unnest(%(meter_ids)s::uuid[], %(slots)s::timestamptz[], %(values)s::text[]) AS added (meter_id, slot, value)
    ORDER BY added.meter_id, added.slot, added.value
    ON CONFLICT (org_id, meter_id, slot, value) DO NOTHING
    """
# Of who pays in advance. The row is locked until the counts are committed too: whoever reads both has one snapshot.
ADD_PREPAID: Final = """
    UPDATE billing.prepaid AS prepaid
    SET counted_usd = prepaid.counted_usd + (
        SELECT coalesce(sum(call.cost), 0)
        FROM unnest(%(costs)s::numeric[], %(moments)s::timestamptz[]) AS call (cost, occurred_at)
        WHERE call.occurred_at >= prepaid.since
    )
    WHERE prepaid.org_id = %(org_id)s AND prepaid.since IS NOT NULL
    """
EVENT_PAGE: Final = """
    SELECT org_id, event_id, name, reported_id, occurred_at, received_at, fields FROM billing.usage_events
    WHERE org_id = %(org_id)s
        AND (%(name)s::text IS NULL OR name = %(name)s)
        AND occurred_at >= coalesce(%(start)s::timestamptz, '-infinity')
        AND occurred_at < coalesce(%(end)s::timestamptz, 'infinity')
        AND (occurred_at, event_id) < (coalesce(%(moment)s::timestamptz, 'infinity'), coalesce(%(event_id)s::uuid,
            'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    ORDER BY occurred_at DESC, event_id DESC
    LIMIT %(limit)s
    """
ARRANGE: Final = "SELECT made, dropped FROM billing.arrange_usage_months()"


class PostgresUsage:
    """Where events are kept, and what meters counted of them.

    Args:
        operator_id: Whose meters count; None where nobody has any.
    """

    def __init__(self, database: Database, inbox: Inbox, *, operator_id: UUID | None) -> None:
        self._database = database
        self._inbox = inbox
        self._operator_id = operator_id
        self._known: dict[UUID, MeterInUse] = {}

    @asynccontextmanager
    async def writing(self, org_id: UUID) -> AsyncIterator["PostgresUsageWriter"]:
        """A transaction of an organization's, or a part of the one under way."""
        async with self._database.transaction(org_id) as connection:
            yield PostgresUsageWriter(
                connection, self._inbox, org_id=org_id, operator_id=self._operator_id, known=self._known
            )


class PostgresUsageWriter:
    """Writes an organization's usage in one transaction.

    Args:
        known: Meters that this process has read before, and those that it reads now.
    """

    def __init__(
        self,
        connection: Connection,
        inbox: Inbox,
        *,
        org_id: UUID,
        operator_id: UUID | None,
        known: dict[UUID, MeterInUse],
    ) -> None:
        self._connection = connection
        self._inbox = inbox
        self._org_id = org_id
        self._operator_id = operator_id
        self._known = known

    async def new(self, events: Sequence[Envelope], *, now: datetime) -> Collection[UUID]:
        """The ids of those of the gateway's events that never arrived before; they are noted as dealt with."""
        return [envelope.id for envelope in await self._inbox.admit(self._connection, events, now=now)]

    async def unreported(self, ids: Collection[str], *, expires_at: datetime) -> Collection[str]:
        """Those ids under which the organization has reported nothing; they are remembered until a moment."""
        if not ids:
            return ()
        rows = await every(self._connection, UNREPORTED, org_id=self._org_id, ids=[*ids], expires_at=expires_at)
        return [row["reported_id"] for row in rows]

    async def meters(self, names: Collection[str]) -> Sequence[MeterInUse]:
        """The meters there are that count events of these names."""
        wanted = {"operator_id": self._operator_id, "names": [*names], "known": [*self._known]}
        rows = await every(self._connection, METERS, **wanted)
        for row in rows:
            if row["definition"] is not None:
                self._known[row["id"]] = MeterInUse(id=row["id"], definition=Meter.model_validate(row["definition"]))
        return [self._known[row["id"]] for row in rows]

    async def add(self, events: Sequence[KeptEvent], counts: Sequence[SlotCount]) -> None:
        """Keep new events, one at least, and add what was counted of them to what is counted already."""
        whose = {"org_id": self._org_id}
        await self._connection.execute(ADD_EVENTS, whose | _rows(events))
        counted = [count for count in counts if not isinstance(count.aggregate, Unique)]
        if counted:
            await self._connection.execute(ADD_COUNTS, whose | _count_rows(counted))
        met = [
            (count.meter_id, count.slot, value)
            for count in counts
            if isinstance(count.aggregate, Unique)
            for value in count.aggregate.values
        ]
        if met:
            meter_ids, slots, values = zip(*met, strict=True)
            rows = {"meter_ids": [*meter_ids], "slots": [*slots], "values": [*values]}
            await self._connection.execute(ADD_VALUES, whose | rows)
        calls = [(event.fields["cost_usd"], event.occurred_at) for event in events if event.name == LLM_CALL]
        costs, moments = [cost for cost, _ in calls], [moment for _, moment in calls]
        await self._connection.execute(ADD_PREPAID, whose | {"costs": costs, "moments": moments})


def _rows(events: Sequence[KeptEvent]) -> dict[str, object]:
    return {
        "received_at": events[0].received_at,
        "ids": [event.event_id for event in events],
        "names": [event.name for event in events],
        "reported_ids": [event.reported_id for event in events],
        "moments": [event.occurred_at for event in events],
        "fields": [orjson.dumps(event.fields, default=decimal_text).decode() for event in events],
    }


def _count_rows(counts: Sequence[SlotCount]) -> dict[str, object]:
    aggregates = [count.aggregate for count in counts]
    return {
        "meter_ids": [count.meter_id for count in counts],
        "slots": [count.slot for count in counts],
        "totals": [aggregate.total if isinstance(aggregate, Sum) else NOTHING for aggregate in aggregates],
        "events": [aggregate.events if isinstance(aggregate, Count) else 0 for aggregate in aggregates],
        "largest": [aggregate.largest if isinstance(aggregate, Max) else None for aggregate in aggregates],
    }


class PostgresKeptEvents:
    """The events that are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, wanted: ListedEvents) -> Sequence[KeptEvent]:
        """At most `limit` of an organization's events, the latest first."""
        moment, event_id = wanted.before or (None, None)
        parameters: Mapping[str, Any] = {
            **wanted.model_dump(exclude={"before"}),
            "moment": moment,
            "event_id": event_id,
        }
        async with self._database.transaction(wanted.org_id) as connection:
            return [KeptEvent(**row) for row in await every(connection, EVENT_PAGE, **parameters)]


class PostgresMonths:
    """The months that events are kept by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def arrange(self) -> tuple[int, int]:
        """Make those ahead, and drop those that are over long enough; how many were made and dropped."""
        async with self._database.transaction() as connection:
            row = await one(connection, ARRANGE)
        return (row["made"], row["dropped"]) if row is not None else (0, 0)
