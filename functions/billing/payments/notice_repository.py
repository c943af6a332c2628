"""Stripe's webhook events in PostgreSQL. They are no organization's."""

from datetime import datetime

from billing.payments.notices import Notice
from llmo_data.postgres import Database, one

# Two deliveries at once wait for each other here: the second sees what the first has kept.
NOTE = """
    INSERT INTO billing.stripe_events (id, type, object_id, received_at, expires_at)
    VALUES (%(id)s, %(type)s, %(object_id)s, %(now)s, %(expires_at)s)
    ON CONFLICT (id) DO NOTHING
    """
LEFT_TO_DO = "SELECT processed_at IS NULL AS left_to_do FROM billing.stripe_events WHERE id = %(id)s"
PROCESSED = "UPDATE billing.stripe_events SET processed_at = %(now)s WHERE id = %(id)s AND processed_at IS NULL"


class PostgresNotices:
    """Webhook events that came."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, notice: Notice, now: datetime, expires_at: datetime) -> bool:
        """Keep one unless it is kept; whether anything is left to do about it."""
        async with self._database.transaction() as connection:
            await connection.execute(NOTE, {**notice.model_dump(), "now": now, "expires_at": expires_at})
            row = await one(connection, LEFT_TO_DO, id=notice.id)
        return row is None or bool(row["left_to_do"])

    async def processed(self, notice_id: str, now: datetime) -> None:
        """Note that nothing is left to do about it."""
        async with self._database.transaction() as connection:
            await connection.execute(PROCESSED, {"id": notice_id, "now": now})
