"""The outboxes of every schema, and what can be forgotten there.

They are found in PostgreSQL's catalogue: a new service needs no entry here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from psycopg import sql

from llmo_data.outbox import OutboxRelay
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus
from relay.models import Pass, Waiting

# Those of the platform: tables of these names that the relay's role was given.
_WITH_TABLE = """
    SELECT schemaname AS schema
    FROM pg_catalog.pg_tables
    WHERE tablename = %s
        AND has_schema_privilege(schemaname, 'USAGE')
        AND has_table_privilege(format('%%I.%%I', schemaname, tablename), 'DELETE')
    ORDER BY schemaname
    """
_EXPIRING = (
    "authorization_codes",
    "authorization_requests",
    "call_contents",
    "email_changes",
    "federation_flows",
    "idempotency_keys",
    "inbox_items",
    "invitations",
    "messages",
    "passkey_challenges",
    "notifications",
    "password_resets",
    "registrations",
    "reported_usage",
    "second_factor_challenges",
    "sent_codes",
    "sessions",
    "stripe_events",
    "webhook_deliveries",
)
_FORGET = "DELETE FROM {} WHERE {} < %s"


class PostgresOutbox:
    """One schema's outbox."""

    def __init__(self, database: Database, schema: str, bus: Callable[[], EventBus]) -> None:
        self.schema = schema
        self._relay = OutboxRelay(database=database, schema=schema, bus=bus)

    async def publish(self) -> Pass:
        """Publish up to a batch of waiting events. Raises DatabaseUnavailable."""
        done = await self._relay.publish()
        return Pass(published=done.published, failed=done.failed)

    async def waiting(self, now: datetime) -> Waiting:
        """What is left. Raises DatabaseUnavailable."""
        backlog = await self._relay.backlog(now)
        return Waiting(events=backlog.events, age=backlog.age)


class PostgresSchemas:
    """Every schema that the relay's role has such a table in."""

    def __init__(self, database: Database, bus: Callable[[], EventBus]) -> None:
        self._database = database
        self._bus = bus

    async def outboxes(self) -> Sequence[PostgresOutbox]:
        """The outboxes. Raises DatabaseUnavailable."""
        return [PostgresOutbox(self._database, schema, self._bus) for schema in await self._with_table("outbox")]

    async def forget(self, *, events_before: datetime, requests_before: datetime) -> int:
        """Delete notes of events that arrived before a moment, and what expired before another.

        Raises DatabaseUnavailable.
        """
        deleted = await self._delete("inbox", "received_at", events_before)
        for table in _EXPIRING:
            deleted += await self._delete(table, "expires_at", requests_before)
        return deleted

    async def _delete(self, table: str, column: str, before: datetime) -> int:
        deleted = 0
        for schema in await self._with_table(table):
            statement = sql.SQL(_FORGET).format(sql.Identifier(schema, table), sql.Identifier(column))
            async with self._database.transaction() as connection:
                deleted += (await connection.execute(statement, (before,))).rowcount
        return deleted

    async def _with_table(self, table: str) -> Sequence[str]:
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_WITH_TABLE, (table,))).fetchall()
        return [row["schema"] for row in rows]
