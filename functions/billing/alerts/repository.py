"""Alerts in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.alerts.models import Alert, Crossing, Levels, Reading
from llmo_data.postgres import Database, every, insert, one

_ALERTS: Final = "SELECT * FROM billing.alerts WHERE org_id = %(org_id)s AND removed_at IS NULL"
PAGE: Final = _ALERTS + " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
ONE: Final = _ALERTS + " AND id = %(id)s"
LOCK: Final = ONE + " FOR UPDATE"
IN_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('billing.alerts ' || %(org_id)s::text, 0))"
TRY_TURN: Final = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended('billing.alerts ' || %(org_id)s::text, 0)) AS taken"
)
COUNT: Final = "SELECT count(*) AS alerts FROM billing.alerts WHERE org_id = %(org_id)s AND removed_at IS NULL"
CHANGE: Final = """
    UPDATE billing.alerts
    SET name = %(name)s, limit_value = %(limit_value)s, percentages = %(percentages)s, thresholds = %(thresholds)s,
        revision = %(revision)s, updated_at = %(updated_at)s
    WHERE id = %(id)s
    """
REMOVE: Final = "UPDATE billing.alerts SET removed_at = %(at)s WHERE id = %(id)s"
CROSSINGS: Final = """
    SELECT id, threshold, percent, value, period_start, period_end, crossed_at, recovered_at
    FROM billing.alert_crossings
    WHERE org_id = %(org_id)s AND alert_id = %(alert_id)s
    ORDER BY id DESC LIMIT %(limit)s
    """
# Changes are noted with the database's time, looks with ours.
DUE: Final = """
    SELECT org_id FROM billing.spending_to_look_at
    WHERE since <= greatest(%(now)s, now()) AND org_id <> ALL(%(besides)s::uuid[])
    GROUP BY org_id ORDER BY min(since) LIMIT %(limit)s
    """
# What is not committed yet is not deleted, and looked at in the next run.
FORGET_CHANGES: Final = "DELETE FROM billing.changed_spending WHERE org_id = %(org_id)s"
LOOKED: Final = """
    UPDATE billing.alerts SET looked_at = %(now)s WHERE org_id = %(org_id)s AND removed_at IS NULL RETURNING *
    """
CROSS: Final = """
    INSERT INTO billing.alert_crossings (id, org_id, alert_id, period_start, period_end, threshold, percent, value,
        crossed_at)
    VALUES (%(id)s, %(org_id)s, %(alert_id)s, %(period_start)s, %(period_end)s, %(threshold)s, %(percent)s, %(value)s,
        %(crossed_at)s)
    ON CONFLICT (alert_id, period_start, threshold) WHERE recovered_at IS NULL DO NOTHING
    RETURNING id
    """
RECOVER: Final = """
    UPDATE billing.alert_crossings SET recovered_at = %(at)s
    WHERE alert_id = %(alert_id)s AND recovered_at IS NULL AND threshold < %(value)s
    """


class PostgresAlerts:
    """Alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Alert]:
        """At most `limit` of an organization's, the newest first, that are older than the one with this id."""
        async with self._database.transaction(org_id) as connection:
            return [_alert(row) for row in await every(connection, PAGE, org_id=org_id, before=before, limit=limit)]

    async def find(self, org_id: UUID, alert_id: UUID) -> Alert | None:
        """The one with this id."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, ONE, org_id=org_id, id=alert_id)
        return _alert(row) if row is not None else None

    async def locked(self, org_id: UUID, alert_id: UUID) -> Alert | None:
        """The same, which nobody else changes before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LOCK, org_id=org_id, id=alert_id)
        return _alert(row) if row is not None else None

    async def count(self, org_id: UUID) -> int:
        """How many an organization has; nobody else adds one before the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(IN_TURN, {"org_id": org_id})
            row = await one(connection, COUNT, org_id=org_id)
        return int(row["alerts"]) if row is not None else 0

    async def add(self, alert: Alert) -> None:
        """Keep a new one."""
        async with self._database.transaction(alert.org_id) as connection:
            await connection.execute(*insert("billing.alerts", _row(alert)))

    async def change(self, alert: Alert) -> None:
        """Keep what has changed of it."""
        async with self._database.transaction(alert.org_id) as connection:
            await connection.execute(CHANGE, _row(alert))

    async def remove(self, alert: Alert, *, at: datetime) -> None:
        """Look at it no more."""
        async with self._database.transaction(alert.org_id) as connection:
            await connection.execute(REMOVE, {"id": alert.id, "at": at})

    async def crossings(self, org_id: UUID, alert_id: UUID, *, limit: int) -> Sequence[Crossing]:
        """What was crossed of it, the latest first."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, CROSSINGS, org_id=org_id, alert_id=alert_id, limit=limit)
        return [Crossing(**row) for row in rows]


class PostgresCrossings:
    """What was crossed, and whose alerts are to be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[UUID]:
        """Organizations whose alerts are to be looked at, those first that have waited for the longest time."""
        async with self._database.transaction() as connection:
            rows = await every(connection, DUE, now=now, besides=[*besides], limit=limit)
        return [row["org_id"] for row in rows]

    @asynccontextmanager
    async def looking(self, org_id: UUID, *, now: datetime) -> AsyncIterator[Sequence[Alert] | None]:
        """A transaction in which an organization's alerts are looked at; None when another run is at it."""
        async with self._database.transaction(org_id) as connection:
            turn = await one(connection, TRY_TURN, org_id=org_id)
            if turn is None or not turn["taken"]:
                yield None
                return
            await connection.execute(FORGET_CHANGES, {"org_id": org_id})
            yield [_alert(row) for row in await every(connection, LOOKED, org_id=org_id, now=now)]

    async def cross(self, alert: Alert, crossing: Crossing) -> bool:
        """Keep that a level was crossed; False, and nothing, where that is kept of the period."""
        async with self._database.transaction(alert.org_id) as connection:
            whose = {"org_id": alert.org_id, "alert_id": alert.id}
            return await one(connection, CROSS, **whose, **crossing.model_dump(exclude={"recovered_at"})) is not None

    async def recover(self, alert: Alert, reading: Reading, *, at: datetime) -> None:
        """Let levels be crossed again that a balance is above of."""
        async with self._database.transaction(alert.org_id) as connection:
            await connection.execute(RECOVER, {"alert_id": alert.id, "at": at, "value": reading.value})


def _row(alert: Alert) -> dict[str, Any]:
    return {
        **alert.model_dump(exclude={"levels"}),
        "limit_value": alert.levels.limit,
        "percentages": [*alert.levels.percentages],
        "thresholds": [*alert.levels.thresholds],
    }


def _alert(row: Mapping[str, Any]) -> Alert:
    levels = Levels(limit=row["limit_value"], percentages=row["percentages"], thresholds=row["thresholds"])
    return Alert(**{name: row[name] for name in Alert.model_fields if name != "levels"}, levels=levels)
